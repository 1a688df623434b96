"""Makes `handlers.zip`: what the first images that are out there hold, byte for byte.

python tests/endpoints/first/make_handlers.py  # in a clone with the whole history
"""

import subprocess
from pathlib import Path

FIRST = "f9202ae"
PACKAGE = "src/framefleet"
HELD = [
    *("__init__.py", "errors.py", "installing.py", "units.py", "wire/*.py", "weights/*.py", "weights/coco.names"),
    *("stages/*.py", "stages/*/*.py", "stages/*/engines/*.py"),
]


def main() -> None:
    out = Path(__file__).with_name("handlers.zip")
    paths = [f":(glob){PACKAGE}/{pattern}" for pattern in HELD]
    subprocess.run(["git", "archive", "--format=zip", "-9", "-o", str(out), FIRST, *paths], check=True)


if __name__ == "__main__":
    main()
