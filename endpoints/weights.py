"""python weights.py WEIGHTS.json MODEL FOLDER

Download a model's files into FOLDER while an image is built. WEIGHTS.json has their addresses, at a fixed revision or
release, and their sha256. Files with another sha256 are deleted, because a file of weights may hold code that runs
when it is loaded.
"""

import hashlib
import json
import sys
from pathlib import Path

import requests  # a dependency of `runpod`

TRIES = 3
TIMEOUT_S = 60


def main() -> None:
    listed, model, folder = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    models = json.loads(listed.read_text(encoding="utf-8"))
    if model not in models:
        sys.exit(f"{model}: not in {listed.name}, which has {', '.join(models)}; add its address and its files' sha256")
    folder.mkdir(parents=True, exist_ok=True)
    for name, wanted in models[model]["sha256"].items():
        at = models[model].get("paths", {}).get(name, name)  # a file may have another name there
        fetch(models[model]["from"] + at, folder / name, wanted)
        print(f"{name}: as expected", flush=True)


def fetch(url: str, target: Path, wanted: str) -> None:
    """Download the file at `url` to `target` if its sha256 is `wanted`; otherwise exit with an error."""
    for attempt in range(1, TRIES + 1):
        try:
            found = download(url, target)
            break
        except requests.RequestException as error:
            target.unlink(missing_ok=True)
            if attempt == TRIES:
                sys.exit(f"{url}: cannot download: {error}")
    if found != wanted:
        target.unlink()
        sys.exit(f"{url}: wrong sha256: {found}, not {wanted}")


def download(url: str, target: Path) -> str:
    """Write the file at `url` to `target` and return its sha256. Raises `requests.RequestException`."""
    digest = hashlib.sha256()
    with requests.get(url, stream=True, timeout=TIMEOUT_S) as reply, target.open("wb") as file:
        reply.raise_for_status()
        for piece in reply.iter_content(1 << 20):
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


if __name__ == "__main__":
    main()
