"""How to install what is missing into the Python at work, how to start its command, and where it keeps what it fetches.

FrameFleet itself is not on PyPI: it has a checkout.
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
    """The command line that adds an extra, such as "export", to this installation, from where that came."""
    folder = Path(__file__).parents[2]
    if (folder / "pyproject.toml").is_file():  # a checkout, whose files are at work
        place = "." if folder == Path.cwd() else str(folder)
        return pip("-e", f"{place}[{extra}]")
    origin = _origin()
    return pip(f"{NAME}[{extra}] @ {origin}" if origin else f"{NAME}[{extra}]")


def cache_folder() -> Path:
    """Where this user's programs keep what can be fetched again; ours in it. No option, because set-up asks, too."""
    if os.name == "nt":
        cache = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    else:
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache, "framefleet")


def pip(*what: str) -> str:
    """The command line that installs `what` into the Python at work, quoted for this system's shell."""
    python = Path(sys.executable)
    script = python.with_name("pip.exe" if sys.platform == "win32" else "pip")
    command = [_near(script)] if script.is_file() else [_near(python), "-m", "pip"]
    return _joined([*command, "install", *what])


def anew(package: str) -> str:
    """The command line that installs a package once more, as it was: files of it are missing or damaged."""
    return pip("--force-reinstall", "--no-deps", f"{package}=={metadata.version(package)}")


def mend(error: ImportError) -> tuple[str, str]:
    """Return what does not load, and why, and the command line that installs it anew."""
    module, why = culprit(error)
    packages = metadata.packages_distributions().get(module, [])
    remedy = anew(packages[0]) if packages else with_extra("local")
    return f"{module} is missing or damaged ({why})", remedy


def culprit(error: ImportError) -> tuple[str, str]:
    """The module at the root of what does not load, and why: some packages wrap that in a page of advice (NumPy)."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ImportError) and cause.name:
        return culprit(cause)
    return (error.name or "a package").partition(".")[0], " ".join(str(error).split())


def framefleet(*arguments: str) -> str:
    """The command line that starts FrameFleet with these arguments, quoted for this system's shell."""
    python = Path(sys.executable)
    script = python.with_name("framefleet.exe" if sys.platform == "win32" else "framefleet")
    if (found := shutil.which("framefleet")) and Path(found).absolute() == script.absolute():
        return _joined(["framefleet", *arguments])
    return _joined([*([_near(script)] if script.is_file() else [_near(python), "-m", "framefleet"]), *arguments])


def _joined(command: Sequence[str]) -> str:
    return list2cmdline(command) if sys.platform == "win32" else shlex.join(command)


def _near(path: Path) -> str:
    """As it is reached from the working folder, where it lies in a folder there: a bare name is looked up elsewhere."""
    near = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return str(near if len(near.parts) > 1 else path)


def _origin() -> str | None:
    """The folder, file or repository that was installed, as a URL; None where a name was (PEP 610)."""
    try:
        told = metadata.distribution(NAME).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return None
    if told is None:
        return None
    origin = json.loads(told)
    scheme = f"{origin['vcs_info']['vcs']}+" if "vcs_info" in origin else ""
    return f"{scheme}{origin['url']}"
