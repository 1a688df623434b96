"""A second sending of a request that takes unusually long: whichever job is done first answers it."""

from collections.abc import Callable, Sequence

from framefleet.errors import FleetError, NotDoneError
from framefleet.fleet.backend import Done
from framefleet.fleet.jobs import Jobs, Sent
from framefleet.units import Seconds

RACE_S = 0.05  # between two looks at racing jobs


def race(
    jobs: Jobs,
    first: Sent,
    second: Sent,
    *,
    note: Callable[[Sent], None],
    pause: Callable[[Seconds], None],
    timeout_s: Seconds,
) -> Done:
    """The output of whichever is done first; the other one is cancelled, and what it cost is counted.

    `note` was told of the first, and is told of the second where that is the one to ask after from then on. Raises the
    last error where both fail, and what `pause` raises.
    """
    running, noted = [first, second], first
    until = jobs.now() + timeout_s
    try:
        while jobs.now() < until:
            ended = _first_over(jobs, running)
            if ended is None:
                pause(RACE_S)
                continue
            sent, outcome = ended
            running.remove(sent)
            if isinstance(outcome, Done):
                if sent is not noted:
                    note(sent)  # before the other is cancelled: were the process killed now, this one has the answer
                for loser in running:
                    jobs.lose(loser)
                return outcome
            if not running:
                raise outcome
            if sent is noted:
                noted = running[0]
                note(noted)
        raise NotDoneError(f"{first.job.endpoint}: neither of two jobs is done after {timeout_s:g} s")
    finally:
        for sent in (first, second):
            jobs.over(sent)


def _first_over(jobs: Jobs, running: Sequence[Sent]) -> tuple[Sent, Done | FleetError] | None:
    """One look at each: the first that is over, and what came of it."""
    for sent in running:
        try:
            return sent, jobs.wait(sent, 0)
        except NotDoneError:
            continue
        except FleetError as error:
            return sent, error
    return None
