"""Copies of models that other programs left in the hub's own cache, so that they are not fetched twice."""

from pathlib import Path

from framefleet.models.catalog import CATALOG, HUB, Download


def cached(name: str) -> Path | None:
    """Return the folder of model `name` in the hub's cache, of the very revision; None if a file is not there.

    Nothing is fetched or hashed. The hub's package is imported, which takes a while.
    """
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return None
    for source in CATALOG[name].sources:
        if isinstance(source, Download) and all(url.startswith(HUB) for url in source.urls.values()):
            places = {file: _parts(url) for file, url in source.urls.items()}
            found = [
                try_to_load_from_cache(repository, path, revision=revision)
                for repository, revision, path in places.values()
            ]
            if all(isinstance(file, str) for file in found) and all(places[file][2] == file for file in places):
                return Path(str(found[0])).parent
    return None


def _parts(url: str) -> tuple[str, str, str]:
    """Return the repository, the revision and the path in it of a file on the hub."""
    repository, _, rest = url.removeprefix(HUB).partition("/resolve/")
    revision, _, path = rest.partition("/")
    return repository, revision, path
