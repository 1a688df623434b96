"""python scripts/hub_folders.py OUT

Write a folder to OUT for each endpoint, ready to be a repository of its own: RunPod's Hub requires Dockerfile, handler
and .runpod/ at the root of a repository, and builds from there. The Dockerfile is the endpoint's own, with its paths
relative to the root. A folder written before is replaced; its .git stays. Standard library only.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENDPOINTS = ("yolo", "whisper", "ast", "ocr")
MARK = ".framefleet-hub"  # marks a folder written by this script, which it may replace
OWN = ("handler.py", "requirements.txt", "weights.json", "detectors", "test_input.json", ".runpod")
SHARED = "weights.py"  # of all endpoints whose weights come from a hub
README = """\
# {title}

{description}

This repository is laid out from the FrameFleet project for RunPod's Hub; change it there. A job's input and what
it is answered are those of `src/framefleet/protocol/{kind}.py`; `test_input.json` is one. Build it with
`docker build -t framefleet-{kind} .`

FrameFleet itself is under the Apache License 2.0 (LICENSE).{note}
"""
NOTES = {
    "yolo": " The image contains Ultralytics and its weights, which are under AGPL-3.0. To build one without them, add "
    "`--build-arg DETECTOR=dfine --build-arg YOLO_MODEL=d-fine-s.onnx`, or `DETECTOR=rfdetr` with `rf-detr-nano.pth`."
}


class LayoutError(Exception):
    """An error in one line, with what is in the way and the remedy."""


def lay_out(kind: str, out: Path) -> Path:
    """Write the endpoint's folder to `out` and return it. Raises `LayoutError`."""
    source, folder = ROOT / "endpoints" / kind, out / kind
    clear(folder)
    dockerfile = at_root(kind, (source / "Dockerfile").read_text(encoding="utf-8"))
    (folder / "Dockerfile").write_text(dockerfile, encoding="utf-8")
    for name in OWN:
        if (source / name).exists():
            copy(source / name, folder / name)
    for path in sources(dockerfile):
        if not (folder / path).exists():
            copy(ROOT / "endpoints" / path if path == SHARED else ROOT / path, folder / path)
    copy(ROOT / "LICENSE", folder / "LICENSE")
    hub = json.loads((source / ".runpod" / "hub.json").read_text(encoding="utf-8"))
    readme = README.format(kind=kind, note=NOTES.get(kind, ""), title=hub["title"], description=hub["description"])
    (folder / "README.md").write_text(readme, encoding="utf-8")
    return folder


def at_root(kind: str, dockerfile: str) -> str:
    """Return the Dockerfile for a build context that is the endpoint's own folder, with `src` in it."""
    return dockerfile.replace(f"endpoints/{kind}/", "").replace(f"endpoints/{SHARED}", SHARED)


def sources(dockerfile: str) -> list[str]:
    """Return what a Dockerfile copies from its context."""
    lines = dockerfile.replace("\\\n", " ").splitlines()
    copies = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from=" not in line]
    return [word for words in copies for word in words if not word.startswith("--")]


def clear(folder: Path) -> None:
    """Empty `folder`, except for .git and the mark. Raises `LayoutError` if this script did not write it."""
    inside = list(folder.iterdir()) if folder.exists() else []
    if any(path.name != ".git" for path in inside) and not (folder / MARK).is_file():
        raise LayoutError(f"{folder}: holds something else; give another folder")
    for path in inside:
        if path.is_dir() and not path.is_symlink():
            if path.name != ".git":
                shutil.rmtree(path)
        elif path.name not in {".git", MARK}:
            path.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text(
        "Laid out by FrameFleet's scripts/hub_folders.py, which may replace it.\n", encoding="utf-8"
    )


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder that gets one folder per endpoint")
    out = parser.parse_args().out
    try:
        for kind in ENDPOINTS:
            print(lay_out(kind, out))
    except LayoutError as error:
        sys.exit(f"framefleet: {error}")
    except OSError as error:
        sys.exit(f"framefleet: {error.filename or out}: {error.strerror or error}; put it right and run this again")


if __name__ == "__main__":
    main()
