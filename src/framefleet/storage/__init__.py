"""The stores of results and artifacts: one protocol each (`base.py`), and one implementation per module."""

from pathlib import Path

from framefleet.storage.base import ResultStore


def open_results(place: str | Path) -> ResultStore:
    """Return the store that `place` names: `sqlite:FILE`, or a folder. Raises `OutputError`."""
    scheme, colon, rest = str(place).partition(":")
    if colon and scheme == "sqlite":
        from framefleet.storage.sqlite import SqliteResults

        return SqliteResults(Path(rest))
    from framefleet.storage.folder import FolderResults

    return FolderResults(Path(place))
