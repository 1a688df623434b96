"""Installation by uv or pip, with progress and one-line errors. Standard library only."""

from __future__ import annotations  # so that a Python too old can still say so

import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

KEEP_LINES = 15  # of output, shown on failure
UV = "requirements/uv.txt"
_FETCHED = re.compile(r"\s*(?:Downloading|Using cached) (\S+\.(?:whl|tar\.gz)) \(([\d.]+) (bytes|[kMG]B)\)")
_FETCHING = re.compile(r"Downloading (\S+) \(([\d.]+)([KMG])iB\)")  # uv's lines at the start of a large download, and
_DONE = re.compile(r" +Downloaded (\S+)")  # at the end
_UNITS = {"bytes": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3, "K": 0.001024, "M": 1.048576, "G": 1073.741824}
_TRYING_AGAIN = "WARNING: Retrying ("
_GAVE_UP = re.compile(
    r"Retry\(total=0|Max retries exceeded|^ERROR: .*(?:Read timed out|Connection aborted)", re.MULTILINE
)
_REASON = re.compile(r"\[Errno -?\d+\] ([\w ]+)|(timed out)")
_UNTRUSTED = re.compile(r"certificate verify failed: ([^()\n]+?) *\(")
_EARLY = re.compile("not yet valid|has expired")


class SetUpError(Exception):
    """An error in one line, with what is missing and the remedy."""


def install(python: Path, pins: list[Path], root: Path, *, editable: bool = True, mending: bool = False) -> None:
    """Install `pins` into `python`'s environment and, if `editable`, the project in `root`. Raises `SetUpError`.

    uv takes a third of pip's time. pip is used if uv is unavailable or fails, as pip may know a mirror or proxy that uv
    does not; its errors are reported in one line, or by its last lines. `mending` disables uv's cache: its files are
    hard links to those of the environment, so damage affects both.
    """
    uv = _uv(python, root)
    steps = [["--require-hashes", *(word for path in pins for word in ("-r", str(path)))]] if pins else []
    if editable:
        steps.append(["--no-deps", "--no-build-isolation", "-e", "."])
    for wanted in steps:
        if uv:
            more = ["--no-cache"] if mending else []
            failed = _ran(
                [uv, "pip", "install", "--python", str(python), *more, *wanted], root, _for_uv(), UvProgress()
            )
            if not failed:
                continue
            tell(f"  uv failed ({_last(failed)}); trying pip …")
            uv = None
        if failed := _by_pip(python, wanted, root):
            raise _failed(failed)


def _uv(python: Path, root: Path) -> str | None:
    """Return the uv on the PATH, or install one into `python`'s environment; None if there is none.

    Raises `SetUpError` if nothing can be downloaded.
    """
    if found := shutil.which("uv"):
        return found
    fetched = python.with_name("uv.exe" if os.name == "nt" else "uv")
    if failed := _by_pip(python, ["--require-hashes", "-r", UV], root):
        if _GAVE_UP.search(failed) or _UNTRUSTED.search(failed):
            raise _failed(failed)
        return None  # uv does not exist for every system
    return str(fetched) if fetched.exists() else None


def _for_uv() -> dict[str, str]:
    """Return uv's variables for pip's settings in the environment; uv's own settings take precedence."""
    environ = {"UV_SYSTEM_CERTS": "1", "UV_PYTHON_DOWNLOADS": "never"}
    if certificates := next((os.environ[name] for name in _CERTIFICATES if os.environ.get(name)), None):
        environ["SSL_CERT_FILE"] = certificates
    for name, same in _SAME.items():
        if os.environ.get(same):
            environ[name] = os.environ[same]
    return {name: os.environ.get(name) or value for name, value in environ.items()}


_CERTIFICATES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # by precedence, as in pip
_SAME = {"UV_DEFAULT_INDEX": "PIP_INDEX_URL", "UV_NO_CACHE": "PIP_NO_CACHE_DIR"}


def _by_pip(python: Path, wanted: list[str], root: Path) -> str:
    """Run pip and return its last lines if it failed, else an empty string.

    pip before 24.2 trusts only its bundled certificates: if these fail, as behind a company's proxy, the system's are
    tried. Bytecode is not compiled, since most modules are never imported.
    """
    command = [str(python), "-m", "pip", "install", "--no-compile", "--progress-bar", "off", *wanted]
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_USER": "0", "PYTHONUNBUFFERED": "1"}
    failed = _ran(command, root, quiet, PipProgress())
    bundle = ssl.get_default_verify_paths().cafile
    if failed and _UNTRUSTED.search(failed) and bundle and os.environ.keys().isdisjoint(_CERTIFICATES):
        tell("  pip does not trust the certificate; trying this system's certificates …")
        failed = _ran(command, root, {**quiet, "PIP_CERT": bundle}, PipProgress())
    return failed


def _ran(command: list[str], root: Path, environ: dict[str, str], show: Callable[[str], None]) -> str:
    """Run a command, pass each line of output to `show`, and return the last lines if it failed, else nothing."""
    last: list[str] = []
    with subprocess.Popen(
        command,
        cwd=root,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as ran:
        for line in ran.stdout or ():
            last = [*last[1 - KEEP_LINES :], line]
            show(line)
    return "".join(last) or "no reason given" if ran.returncode else ""


def _failed(said: str) -> SetUpError:
    if untrusted := _UNTRUSTED.search(said):
        why = untrusted[1].lower()
        if _EARLY.search(why):
            return SetUpError(f"PyPI's certificate is rejected ({why}); correct this computer's clock")
        return SetUpError(
            f"PyPI's certificate is not trusted on this machine ({why}), as behind a company's proxy; "
            "set PIP_CERT and SSL_CERT_FILE to the file with the company's certificate (.pem)"
        )
    if _GAVE_UP.search(said):
        reasons = ["".join(found).strip() for found in _REASON.findall(said)]
        why = f" ({reasons[-1].lower()})" if reasons else ""
        return SetUpError(f"PyPI cannot be reached{why}; check the network, or the proxy in HTTPS_PROXY")
    sys.stderr.write(said)
    return SetUpError("installation failed, see pip's last lines above; fix the cause and run this again")


class PipProgress:
    """A filter of pip's output that reports downloads and their total."""

    def __init__(self) -> None:
        self.megabytes = 0.0
        self._away = False

    def __call__(self, line: str) -> None:
        if line.startswith(_TRYING_AGAIN) and not self._away:
            self._away = True
            tell("  PyPI does not respond; retrying …")
        elif found := _FETCHED.match(line):
            self.fetched("-".join(found[1].split("-")[:2]), float(found[2]) * _UNITS[found[3]])
        elif line.startswith("Installing collected packages"):
            self.unpacking(line.count(",") + 1)

    def fetched(self, name: str, megabytes: float) -> None:
        self.megabytes += megabytes
        if megabytes >= 1:
            tell(f"  {megabytes:7.1f} MB  {name} ({self.megabytes:.0f} MB so far)")

    def unpacking(self, packages: int) -> None:
        if packages > 1:
            tell(f"  unpacking {packages} packages, {self.megabytes:.0f} MB …")


class UvProgress(PipProgress):
    """The same for uv, which downloads in parallel: each package is reported when it is complete."""

    def __init__(self) -> None:
        super().__init__()
        self._sizes: dict[str, float] = {}

    def __call__(self, line: str) -> None:
        if found := _FETCHING.match(line):
            self._sizes[found[1]] = float(found[2]) * _UNITS[found[3]]
        elif found := _DONE.match(line):
            self.fetched(found[1], self._sizes.get(found[1], 0.0))
        elif found := re.match(r"Prepared (\d+) package", line):
            self.unpacking(int(found[1]))


def _last(said: str) -> str:
    return said.strip().splitlines()[-1].strip(" ╰─▶│├")


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
