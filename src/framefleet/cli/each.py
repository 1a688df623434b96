"""Several videos in one command: one that cannot be done does not stop the others."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from framefleet.cli.words import clean
from framefleet.errors import FrameFleetError, Interrupted


def each(videos: Sequence[Path], do: Callable[[Path], int]) -> int:
    """The exit code of all: that of each where they agree, 3 if some were done and some not.

    Raises what `do` raises for an only video, and what would end the next one just as well.
    """
    codes = []
    for video in videos:
        try:
            codes.append(do(video))
        except Interrupted:
            raise
        except FrameFleetError as error:
            if len(videos) == 1 or error.ends_run:
                raise
            print(f"framefleet: {clean(str(error))}", file=sys.stderr)
            codes.append(error.exit_code)
    return codes[0] if len(set(codes)) == 1 else 3
