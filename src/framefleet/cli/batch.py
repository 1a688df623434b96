"""Several videos or formats in one command, where a failure does not stop the others."""

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from framefleet.cli.output.format import as_told
from framefleet.errors import FrameFleetError, Interrupted, explain
from framefleet.logs import logger

log = logger(__name__)

Thing = TypeVar("Thing")


def each(things: Sequence[Thing], do: Callable[[Thing], int]) -> int:
    """Call `do` for each thing and return the common exit code, or 3 if they differ.

    Raises the error of `do` if there is only one thing, or if the error would end the next one too.
    """
    codes = []
    for thing in things:
        try:
            codes.append(do(thing))
        except Interrupted:
            raise
        except FrameFleetError as error:
            if len(things) == 1 or error.ends_run:
                raise
            log.info("one of %d is ended by %s", len(things), error, exc_info=error)
            sys.stderr.write(as_told(*explain(error)))
            codes.append(error.exit_code)
    return codes[0] if len(set(codes)) == 1 else 3
