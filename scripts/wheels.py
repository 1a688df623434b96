"""Runs pip: tells what it fetches, and in one line why it could not. Standard library only."""

from __future__ import annotations  # so that a Python too old can still say so

import os
import re
import ssl
import subprocess
import sys
from pathlib import Path

KEEP_LINES = 15  # of pip's output, shown when it fails
_FETCHED = re.compile(r"\s*(?:Downloading|Using cached) (\S+\.(?:whl|tar\.gz)) \(([\d.]+) (bytes|[kMG]B)\)")
_UNITS = {"bytes": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}
_TRYING_AGAIN = "WARNING: Retrying ("
_GAVE_UP = re.compile(
    r"Retry\(total=0|Max retries exceeded|^ERROR: .*(?:Read timed out|Connection aborted)", re.MULTILINE
)
_REASON = re.compile(r"\[Errno -?\d+\] ([\w ]+)|(timed out)")
_UNTRUSTED = re.compile(r"certificate verify failed: ([^()\n]+?) *\(")
_EARLY = re.compile("not yet valid|has expired")


class SetUpError(Exception):
    """One line naming what is missing and the remedy."""


def install(python: Path, wanted: list[str], root: Path) -> None:
    """Installs `wanted` into `python`'s environment, working in `root`. Raises `SetUpError`.

    What pip fetches and how large it is is told as it goes; its last lines where it fails for another reason than that
    nothing can be fetched. Pips before 24.2 know no certificates but those they bring along: where these do not do, as
    behind a company's proxy, the system's are tried.
    """
    failed = _installed(python, wanted, root, {})
    bundle = ssl.get_default_verify_paths().cafile
    if failed and _UNTRUSTED.search(failed) and bundle and not _CERTIFICATES & os.environ.keys():
        tell("  pip does not know the certificate; trying with those of this system …")
        failed = _installed(python, wanted, root, {"PIP_CERT": bundle})
    if failed:
        raise _failed(failed)


_CERTIFICATES = {"PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}


def _installed(python: Path, wanted: list[str], root: Path, environ: dict[str, str]) -> str:
    """Runs pip; its last lines where it failed, else nothing."""
    command = [str(python), "-m", "pip", "install", "--prefer-binary", "--progress-bar", "off", *wanted]
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_USER": "0", "PYTHONUNBUFFERED": "1"}
    last: list[str] = []
    total = 0.0
    with subprocess.Popen(
        command,
        cwd=root,
        env={**os.environ, **quiet, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as pip:
        for line in pip.stdout or ():
            if line.startswith(_TRYING_AGAIN) and not any(_TRYING_AGAIN in before for before in last):
                tell("  PyPI does not answer; trying again …")
            last = [*last[1 - KEEP_LINES :], line]
            total = show(line, total)
    return "".join(last) if pip.returncode else ""


def _failed(said: str) -> SetUpError:
    if untrusted := _UNTRUSTED.search(said):
        why = untrusted[1].lower()
        if _EARLY.search(why):
            return SetUpError(f"PyPI's certificate is refused ({why}); set this computer's clock right")
        return SetUpError(
            f"PyPI's certificate is not trusted here ({why}), as behind a company's proxy; "
            "set PIP_CERT and SSL_CERT_FILE to the file with the company's certificate (.pem)"
        )
    if _GAVE_UP.search(said):
        reasons = ["".join(found).strip() for found in _REASON.findall(said)]
        why = f" ({reasons[-1].lower()})" if reasons else ""
        return SetUpError(f"PyPI cannot be reached{why}; check the network, or the proxy in HTTPS_PROXY")
    sys.stderr.write(said)
    return SetUpError("installing failed, see pip's last lines above; put it right and run this again")


def show(line: str, total: float) -> float:
    """Tells of a line of pip's that matters; the megabytes fetched so far."""
    if found := _FETCHED.match(line):
        name, size = "-".join(found[1].split("-")[:2]), float(found[2]) * _UNITS[found[3]]
        total += size
        if size >= 1:
            tell(f"  {size:7.1f} MB  {name} ({total:.0f} MB so far)")
    elif line.startswith("Installing collected packages"):
        tell(f"  unpacking {line.count(',') + 1} packages, {total:.0f} MB …")
    return total


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
