"""Makes the Python environments that FrameFleet runs, is tested and checked in. Standard library only.

    python scripts/environment.py .venv -r requirements/run.txt      makes it if need be, prints its Python

A stamp written last tells a finished environment from one whose making was interrupted, and holds the hash of
what it was made from; while that is still true, nothing is run and nothing is fetched.
"""

from __future__ import annotations  # so that a Python too old can still say so

import argparse
import hashlib
import importlib.util
import os
import shutil
import site
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from wheels import SetUpError, install, tell

ROOT = Path(__file__).resolve().parent.parent
STAMP = "framefleet-stamp"
_MADE_ANEW = "_FRAMEFLEET_MADE_ANEW"  # set for the start that follows
OLDEST, NEWEST = (3, 11), (3, 14)
RUN = ROOT / "requirements" / "run.txt"
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


def python_of(folder: Path) -> Path:
    """The environment's Python, whether it is there or not."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def key_of(pins: list[Path], editable: bool) -> str:
    """Hash of all that decides what goes into an environment."""
    # Tools' settings stand last in that file and install nothing.
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("\n[tool.")[0]
    digest = hashlib.sha256(project.encode())
    for path in pins:
        digest.update(path.read_bytes())
    # An editable installation points to this checkout; after a move it would point to nothing.
    digest.update(repr(str(ROOT) if editable else "").encode())
    return digest.hexdigest()[:16]


def _stamp(folder: Path, key: str) -> str:
    # The real path changes when the system's Python was upgraded under the environment.
    return f"{key} {os.path.realpath(python_of(folder))}\n"


def is_ready(folder: Path, key: str) -> bool:
    """Whether it is finished, and none of the packages has gone since (a virus scanner, an interrupted copy)."""
    try:
        first, *installed = (folder / STAMP).read_text(encoding="utf-8").splitlines(keepends=True)
        there = _installed(folder) if installed else set()
    except (OSError, ValueError):
        return False
    return first == _stamp(folder, key) and python_of(folder).exists() and {n.rstrip("\n") for n in installed} <= there


def _installed(folder: Path) -> set[str]:
    """What lies in the environment's site-packages: one entry or two for each package."""
    (packages,) = [*folder.glob("lib/python*/site-packages"), *folder.glob("Lib/site-packages")]
    return {path.name for path in packages.iterdir()}


def ensure(folder: Path, pins: list[Path] | None = None, editable: bool = True) -> Path:
    """The Python of an environment with what `pins` name in it (by default `RUN`), made now unless it is ready.

    `editable` False leaves FrameFleet itself out, for an environment that several checkouts share.
    Raises `SetUpError`.
    """
    pins = pins or [RUN]
    key = key_of(pins, editable)
    if not is_ready(folder, key):
        check_python()
        make(folder, pins, editable)
        if any("\nonnxruntime==" in path.read_text(encoding="utf-8") for path in pins):
            fetch_models(python_of(folder))
        installed = "".join(f"{name}\n" for name in sorted(_installed(folder)))
        (folder / STAMP).write_text(_stamp(folder, key) + installed, encoding="utf-8")
    return python_of(folder)


def check_python() -> None:
    """Raises `SetUpError` where this Python cannot make an environment that FrameFleet runs in."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        span = " to ".join(".".join(map(str, v)) for v in (OLDEST, NEWEST))
        raise SetUpError(f"FrameFleet runs on Python {span}, and {sys.executable} is {VERSION}")
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise SetUpError(f"{sys.executable} cannot make environments: {_remedy()}")


def _remedy() -> str:
    if shutil.which("apt-get"):
        return f"sudo apt install python{VERSION}-venv"
    return "install its venv and ensurepip modules, or a Python from https://www.python.org/downloads/"


def make(folder: Path, pins: list[Path], editable: bool) -> None:
    """An environment with what `pins` name in it, in place of what is in `folder`. Raises `SetUpError`."""
    started = time.monotonic()
    tell(f"Setting up {folder} (once; wheels come from PyPI) …")
    if folder.exists():
        shutil.rmtree(folder)
    command = [sys.executable, "-m", "venv", str(folder)]
    made = subprocess.run(command, check=False, capture_output=True, encoding="utf-8", errors="replace")
    if made.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        raise _not_made(folder, made.stdout + made.stderr)
    install(python_of(folder), pins, ROOT, editable=editable, mending=_MADE_ANEW in os.environ)
    if editable:
        isolate_command(python_of(folder))
    tell(f"Ready in {time.monotonic() - started:.0f} s: {_megabytes(folder):.0f} MB in {folder}")


def isolate_command(python: Path) -> None:
    """Has the environment's `framefleet` start Python by `-I`: no PYTHONPATH, PYTHONHOME or packages of the user's.

    The scripts that pip and uv write heed them. These are pip's too, by the part of it that makes them, on Windows too.
    """
    subprocess.run([str(python), "-I", "-c", _ISOLATE, str(python.parent)], check=False, capture_output=True)


_ISOLATE = """
import sys
from importlib.metadata import distribution
from pip._vendor.distlib.scripts import ScriptMaker
maker = ScriptMaker(None, sys.argv[1])
maker.clobber, maker.variants = True, {""}
for entry in distribution("framefleet").entry_points.select(group="console_scripts"):
    maker.make(f"{entry.name} = {entry.value}", {"interpreter_args": ["-I"]})
"""


def _not_made(folder: Path, said: str) -> SetUpError:
    if "ensurepip" in said:
        return SetUpError(f"{sys.executable} cannot make {folder}: {_remedy()}")
    why = (said.strip() or "it does not say why").splitlines()[-1].removeprefix("Error: ")
    return SetUpError(f"{folder} cannot be made ({why}); {folder.parent} must be writable and have room for 1 GB")


def fetch_models(python: Path) -> None:
    """Fetch the embedded models into the user's cache, showing what is downloaded. No failure of it is one of set-up's:
    the rest works without."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    command = [str(python), "-m", "framefleet.models.fetch"]
    if subprocess.run(command, check=False, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL).returncode:
        tell(f"Analyses that need those models are left out or use smaller ones. Later, run: {' '.join(command)}")


def _megabytes(folder: Path) -> float:
    files = (Path(top) / name for top, _, names in os.walk(folder) for name in names)
    return sum(path.lstat().st_size for path in files) / 1e6


def enter() -> None:
    """Returns where FrameFleet can be imported; elsewhere hands this command over to `.venv`, made if need be.

    A package of `.venv` that is missing or damaged has it made anew, once.
    """
    leave_others_out()
    folder = ROOT / ".venv"
    inside = os.path.realpath(sys.prefix) == os.path.realpath(folder)
    if not inside and importlib.util.find_spec("framefleet") is None:
        guarded(lambda: hand_over(ensure(folder)))
    sys.path.insert(0, str(ROOT / "src"))
    if inside:
        try:
            for module in ("session", "cli.commands.run", "cli.output.bars"):  # the command would load them as it goes
                importlib.import_module(f"framefleet.{module}")
        except ImportError as error:
            why = error  # Python forgets the other name
            guarded(lambda: make_anew(folder, why))
        os.environ.pop(_MADE_ANEW, None)


def leave_others_out() -> None:
    """No packages but the environment's own: ROS, Blender or Maya set PYTHONPATH, and their numpy would go first."""
    foreign = {os.path.realpath(path) for path in os.environ.pop("PYTHONPATH", "").split(os.pathsep) if path}
    foreign |= {os.path.realpath(site.getusersitepackages())}
    own = os.path.realpath(Path(__file__).parent)
    sys.path[:] = [path for path in sys.path if os.path.realpath(path) not in foreign - {own}]
    os.environ.pop("PYTHONHOME", None)
    os.environ["PYTHONNOUSERSITE"] = "1"


def make_anew(folder: Path, error: ImportError) -> None:
    """Starts this command again with the Python that made the environment in `folder`, which makes it once more.

    Raises `SetUpError` where that was just done, and on Windows, where a Python at work cannot be replaced.
    """
    from framefleet.install_hints import culprit

    what, why = culprit(error)
    if os.environ.get(_MADE_ANEW):
        raise SetUpError(f"{what} does not load ({why}), though {folder} is new; a virus scanner may have removed it")
    (folder / STAMP).unlink(missing_ok=True)
    if os.name == "nt":
        raise SetUpError(f"{what} is missing or damaged in {folder}; run this again, and it is set up anew")
    tell(f"{what} is missing or damaged in {folder}; setting up anew …")
    os.environ[_MADE_ANEW] = "1"
    hand_over(Path(getattr(sys, "_base_executable", sys.executable)))


def hand_over(python: Path) -> None:
    """This command again, with `python`; does not return."""
    command = [str(python), *sys.argv]
    if os.name != "nt":
        os.execv(command[0], command)
    # Windows has no exec: a child it would start outlives the caller's wait, and loses the exit code.
    with subprocess.Popen(command) as child:
        while True:
            try:
                sys.exit(child.wait())
            except KeyboardInterrupt:
                continue  # the child got it too, and says how to resume


def guarded(action: Callable[[], None]) -> None:
    """Runs `action`; what goes wrong in a set-up ends the command with one line."""
    try:
        action()
    except SetUpError as error:
        sys.exit(f"framefleet: {error}")
    except OSError as error:
        sys.exit(f"framefleet: {error.filename or ROOT}: {error.strerror or error}; put it right and run this again")
    except KeyboardInterrupt:
        tell("Interrupted; the next start sets up anew.")
        sys.exit(130)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="{key} in it stands for the hash of what goes in; such old ones are removed")
    parser.add_argument("-r", "--requirements", type=Path, action="append", metavar="FILE", help=f"pins; default {RUN}")
    parser.add_argument("--without-project", action="store_true", help="what is pinned alone")
    args = parser.parse_args()
    leave_others_out()
    args.requirements = [path.resolve() for path in args.requirements or [RUN]]
    guarded(lambda: print(_ensure(args).as_posix()))


def _ensure(args: argparse.Namespace) -> Path:
    editable = not args.without_project
    folder = ROOT / args.folder.replace("{key}", key_of(args.requirements, editable))
    if "{key}" in args.folder and not folder.exists():
        for old in folder.parent.glob(Path(args.folder).name.replace("{key}", "*")):
            shutil.rmtree(old)
    return ensure(folder, args.requirements, editable)


if __name__ == "__main__":
    main()
