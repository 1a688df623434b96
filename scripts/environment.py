"""Create the Python environments in which FrameFleet runs, is tested and checked. Standard library only.

    python scripts/environment.py .venv -r requirements/run.txt      create it if needed, print its Python

A stamp, written last, marks a complete environment and holds the hash of its inputs; while it is valid, nothing is
run and nothing is downloaded.
"""

from __future__ import annotations  # so that an old Python can still report its version

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
_REBUILT = "_FRAMEFLEET_REBUILT"  # set for the restarted command
OLDEST, NEWEST = (3, 11), (3, 14)
RUN = ROOT / "requirements" / "run.txt"
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


def python_of(folder: Path) -> Path:
    """Return the path of the environment's Python, whether it exists or not."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def key_of(pins: list[Path], editable: bool) -> str:
    """Return a hash of everything that determines the content of an environment."""
    # The settings of tools come last in that file and install nothing.
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("\n[tool.")[0]
    digest = hashlib.sha256(project.encode())
    for path in pins:
        digest.update(path.read_bytes())
    # An editable installation points to this checkout, so it breaks when the checkout is moved.
    digest.update(repr(str(ROOT) if editable else "").encode())
    return digest.hexdigest()[:16]


def _stamp(folder: Path, key: str) -> str:
    # The real path changes when the system's Python is upgraded.
    return f"{key} {os.path.realpath(python_of(folder))}\n"


def is_ready(folder: Path, key: str) -> bool:
    """Return whether the environment is complete and no package is missing since (virus scanner, interrupted copy)."""
    try:
        first, *installed = (folder / STAMP).read_text(encoding="utf-8").splitlines(keepends=True)
        there = _installed(folder) if installed else set()
    except (OSError, ValueError):
        return False
    return first == _stamp(folder, key) and python_of(folder).exists() and {n.rstrip("\n") for n in installed} <= there


def _installed(folder: Path) -> set[str]:
    """Return the names in the environment's site-packages: one or two for each package."""
    (packages,) = [*folder.glob("lib/python*/site-packages"), *folder.glob("Lib/site-packages")]
    return {path.name for path in packages.iterdir()}


def ensure(folder: Path, pins: list[Path] | None = None, editable: bool = True) -> Path:
    """Return the Python of an environment with `pins` (by default `RUN`), which is created unless it is ready.

    `editable` False leaves out FrameFleet itself, for an environment that several checkouts share.
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
    """Raise `SetUpError` if this Python cannot create an environment for FrameFleet."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        span = " to ".join(".".join(map(str, v)) for v in (OLDEST, NEWEST))
        raise SetUpError(f"FrameFleet runs on Python {span}, and {sys.executable} is {VERSION}")
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise SetUpError(f"{sys.executable} cannot create environments: {_remedy()}")


def _remedy() -> str:
    if shutil.which("apt-get"):
        return f"sudo apt install python{VERSION}-venv"
    return "install its venv and ensurepip modules, or a Python from https://www.python.org/downloads/"


def make(folder: Path, pins: list[Path], editable: bool) -> None:
    """Create an environment with `pins`, replacing `folder`. Raises `SetUpError`."""
    started = time.monotonic()
    tell(f"Setting up {folder} (once; wheels come from PyPI) …")
    if folder.exists():
        shutil.rmtree(folder)
    command = [sys.executable, "-m", "venv", str(folder)]
    made = subprocess.run(command, check=False, capture_output=True, encoding="utf-8", errors="replace")
    if made.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        raise _not_made(folder, made.stdout + made.stderr)
    install(python_of(folder), pins, ROOT, editable=editable, mending=_REBUILT in os.environ)
    if editable:
        isolate_command(python_of(folder))
    tell(f"Ready in {time.monotonic() - started:.0f} s: {_megabytes(folder):.0f} MB in {folder}")


def isolate_command(python: Path) -> None:
    """Make the environment's `framefleet` start Python with `-I`: no PYTHONPATH, PYTHONHOME or user packages.

    The scripts of pip and uv respect these. The replacement is written by pip's own script maker, on Windows too.
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
        return SetUpError(f"{sys.executable} cannot create {folder}: {_remedy()}")
    why = (said.strip() or "no reason given").splitlines()[-1].removeprefix("Error: ")
    return SetUpError(f"{folder} cannot be created ({why}); {folder.parent} must be writable and have 1 GB free")


def fetch_models(python: Path) -> None:
    """Download the embedded models into the user's cache. A failure is not fatal: other stages still work."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    command = [str(python), "-m", "framefleet.models.fetch"]
    if subprocess.run(command, check=False, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL).returncode:
        tell(f"Stages that need these models are left out or use smaller ones. To retry, run: {' '.join(command)}")


def _megabytes(folder: Path) -> float:
    files = (Path(top) / name for top, _, names in os.walk(folder) for name in names)
    return sum(path.lstat().st_size for path in files) / 1e6


def enter() -> None:
    """Make FrameFleet importable: return if it is, else restart this command in `.venv`, which is created if needed.

    If a package of `.venv` is missing or damaged, `.venv` is rebuilt once.
    """
    leave_others_out()
    folder = ROOT / ".venv"
    inside = os.path.realpath(sys.prefix) == os.path.realpath(folder)
    if not inside and importlib.util.find_spec("framefleet") is None:
        guarded(lambda: hand_over(ensure(folder)))
    sys.path.insert(0, str(ROOT / "src"))
    if inside:
        try:
            for module in ("session", "cli.commands.run", "cli.output.bars"):  # which the command would load later
                importlib.import_module(f"framefleet.{module}")
        except ImportError as error:
            why = error  # Python deletes `error` after this block
            guarded(lambda: rebuild(folder, why))
        os.environ.pop(_REBUILT, None)


def leave_others_out() -> None:
    """Remove foreign packages from the path: ROS, Blender and Maya set PYTHONPATH, and their numpy would be used."""
    foreign = {os.path.realpath(path) for path in os.environ.pop("PYTHONPATH", "").split(os.pathsep) if path}
    foreign |= {os.path.realpath(site.getusersitepackages())}
    own = os.path.realpath(Path(__file__).parent)
    sys.path[:] = [path for path in sys.path if os.path.realpath(path) not in foreign - {own}]
    os.environ.pop("PYTHONHOME", None)
    os.environ["PYTHONNOUSERSITE"] = "1"


def rebuild(folder: Path, error: ImportError) -> None:
    """Restart this command with the Python that created the environment in `folder`, to rebuild it.

    Raises `SetUpError` if that was just done, and on Windows, where a running Python cannot be replaced.
    """
    from framefleet.install_hints import culprit

    what, why = culprit(error)
    if os.environ.get(_REBUILT):
        raise SetUpError(f"{what} does not load ({why}), though {folder} is new; a virus scanner may have removed it")
    (folder / STAMP).unlink(missing_ok=True)
    if os.name == "nt":
        raise SetUpError(f"{what} is missing or damaged in {folder}; run this again to rebuild it")
    tell(f"{what} is missing or damaged in {folder}; rebuilding …")
    os.environ[_REBUILT] = "1"
    hand_over(Path(getattr(sys, "_base_executable", sys.executable)))


def hand_over(python: Path) -> None:
    """Restart this command with `python`; does not return."""
    command = [str(python), *sys.argv]
    if os.name != "nt":
        os.execv(command[0], command)
    # Windows has no exec: the replacement would outlive the caller's wait and lose the exit code.
    with subprocess.Popen(command) as child:
        while True:
            try:
                sys.exit(child.wait())
            except KeyboardInterrupt:
                continue  # the child gets it too and prints how to resume


def guarded(action: Callable[[], None]) -> None:
    """Run `action`; a failed set-up ends the command with one line."""
    try:
        action()
    except SetUpError as error:
        sys.exit(f"framefleet: {error}")
    except OSError as error:
        sys.exit(f"framefleet: {error.filename or ROOT}: {error.strerror or error}; fix the cause and run this again")
    except KeyboardInterrupt:
        tell("Interrupted; the next start begins the set-up again.")
        sys.exit(130)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="{key} in it stands for the hash of its inputs; older ones are removed")
    parser.add_argument("-r", "--requirements", type=Path, action="append", metavar="FILE", help=f"pins; default {RUN}")
    parser.add_argument("--without-project", action="store_true", help="install only the pins, not FrameFleet")
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
