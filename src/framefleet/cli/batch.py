"""Several videos, or formats, in one command: one that cannot be done does not stop the others."""

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from framefleet.cli.output.format import as_told
from framefleet.errors import FrameFleetError, Interrupted, explain
from framefleet.logs import logger

log = logger(__name__)

Thing = TypeVar("Thing")


def each(things: Sequence[Thing], do: Callable[[Thing], int]) -> int:
    """The exit code of all: that of each where they agree, 3 if some were done and some not.

    Raises what `do` raises for an only thing, and what would end the next one just as well.
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
