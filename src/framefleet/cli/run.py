"""`framefleet run`: the whole job, for one video or several, one after the other."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from framefleet.api import Prepared, execute, prepare
from framefleet.cli.bars import Bars, Lines
from framefleet.cli.flags import with_flags
from framefleet.cli.summary import summary
from framefleet.config import load_fleet, load_options
from framefleet.errors import FrameFleetError, Interrupted

SEQUENTIAL = {"max_workers": 1, "batch_size": 1}


@with_flags
def run(
    videos: Annotated[list[Path], typer.Argument(help="one video or several", show_default=False)],
    sequential: Annotated[bool, typer.Option(help="one frame a request, one request at a time, and no speech")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="a line for each request answered")] = False,
    *,
    flags: dict[str, Any],
) -> int:
    """Turn videos into one JSON each of what is seen and said in them."""
    if sequential:
        flags |= SEQUENTIAL | {"speech": False}
    options, fleet = load_options(flags), load_fleet()
    codes = []
    for video in videos:
        try:
            codes.append(_one(prepare(video, options, fleet), sequential=sequential, verbose=verbose))
        except Interrupted:
            raise
        except FrameFleetError as error:
            if len(videos) == 1 or error.ends_run:
                raise
            print(f"framefleet: {error}", file=sys.stderr)
            codes.append(error.exit_code)
    return _exit_code(codes)


def _one(prepared: Prepared, *, sequential: bool, verbose: bool) -> int:
    listener = Lines() if sequential else Bars(verbose=verbose)
    with listener:
        document = execute(prepared, listener)
    print(summary(document, prepared.path))
    return 3 if document.failures else 0


def _exit_code(codes: list[int]) -> int:
    """One video: its own. Several: 3 if some were done and some not."""
    return codes[0] if len(set(codes)) == 1 else 3
