"""The commands that install what is missing into the running Python and start FrameFleet, and the cache folder.

FrameFleet itself is not on PyPI: it is installed from a checkout.
"""

import json
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from subprocess import list2cmdline

NAME = "framefleet"


def with_extra(extra: str) -> str:
    """Return the command line that adds an extra, such as "export", to this installation, from the same source."""
    folder = Path(__file__).parents[2]
    if (folder / "pyproject.toml").is_file():  # a checkout, whose files are in use
        place = "." if folder == Path.cwd() else str(folder)
        return pip("-e", f"{place}[{extra}]")
    origin = _origin()
    return pip(f"{NAME}[{extra}] @ {origin}" if origin else f"{NAME}[{extra}]")


def cache_folder() -> Path:
    """Return FrameFleet's folder in the user's cache. It is not an option, because set-up needs it too."""
    if os.name == "nt":
        cache = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    else:
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache, "framefleet")


def pip(*what: str) -> str:
    """Return the command line that installs `what` into the running Python, quoted for this system's shell."""
    python = Path(sys.executable)
    script = python.with_name("pip.exe" if sys.platform == "win32" else "pip")
    command = [_near(script)] if script.is_file() else [_near(python), "-m", "pip"]
    return _joined([*command, "install", *what])


def anew(package: str) -> str:
    """Return the command line that reinstalls a package in the same version: its files are missing or damaged."""
    return pip("--force-reinstall", "--no-deps", f"{package}=={metadata.version(package)}")


def mend(error: ImportError) -> tuple[str, str]:
    """Return a message about the package that cannot be loaded, and the command line that reinstalls it."""
    module, why = culprit(error)
    packages = metadata.packages_distributions().get(module, [])
    remedy = anew(packages[0]) if packages else with_extra("local")
    return f"{module} is missing or damaged ({why})", remedy


def culprit(error: ImportError) -> tuple[str, str]:
    """Return the module that could not be loaded, and why, from the root of the error: NumPy wraps it in advice."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ImportError) and cause.name:
        return culprit(cause)
    return (error.name or "a package").partition(".")[0], " ".join(str(error).split())


def framefleet(*arguments: str) -> str:
    """Return the command line that starts FrameFleet with these arguments, quoted for this system's shell."""
    python = Path(sys.executable)
    script = python.with_name("framefleet.exe" if sys.platform == "win32" else "framefleet")
    if (found := shutil.which("framefleet")) and Path(found).absolute() == script.absolute():
        return _joined(["framefleet", *arguments])
    return _joined([*([_near(script)] if script.is_file() else [_near(python), "-m", "framefleet"]), *arguments])


def _joined(command: Sequence[str]) -> str:
    return list2cmdline(command) if sys.platform == "win32" else shlex.join(command)


def _near(path: Path) -> str:
    """Return the path relative to the working folder, if it is in a folder there: a bare name would be searched."""
    near = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return str(near if len(near.parts) > 1 else path)


def _origin() -> str | None:
    """Return the folder, file or repository that was installed, as a URL; None if a name was (PEP 610)."""
    try:
        told = metadata.distribution(NAME).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return None
    if told is None:
        return None
    origin = json.loads(told)
    scheme = f"{origin['vcs_info']['vcs']}+" if "vcs_info" in origin else ""
    return f"{scheme}{origin['url']}"
