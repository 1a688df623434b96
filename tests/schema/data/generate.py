"""Makes a document of version 1: all stages over samples/sample.mp4 against an emulated service.

`first.json` is by the first version whose documents are out there, `last.json` by the last one that wrote version 1:

    git worktree add /tmp/first f9202ae && git worktree add /tmp/last dcc0c3a
    PYTHONPATH=/tmp/first/src:. python tests/schema/data/generate.py tests/schema/data/first.json
    PYTHONPATH=/tmp/last/src:. python tests/schema/data/generate.py tests/schema/data/last.json
"""

import platform
import shutil
import sys
import tempfile
from pathlib import Path

from tests.journal.data import generate

VIDEO = Path("samples/sample.mp4")


def main(target: Path) -> None:
    """Write the document to `target`. To be called in the repository's root, so that it names no folder of anybody."""
    platform.platform = lambda *_args, **_kwargs: "Linux"  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as folder:
        generate.run(VIDEO, Path(folder))
        (made,) = Path(folder).glob("*_results.json")
        shutil.copyfile(made, target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
