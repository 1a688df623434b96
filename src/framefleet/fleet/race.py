"""A second sending of a request that takes unusually long: whichever job is done first answers it."""

from collections.abc import Callable

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
    last: FleetError = NotDoneError(f"{first.job.endpoint}: neither of two jobs is done after {timeout_s:g} s")
    until = jobs.now() + timeout_s
    try:
        while running and jobs.now() < until:
            for sent in list(running):
                try:
                    done = jobs.wait(sent, 0)
                except NotDoneError:
                    continue
                except FleetError as error:
                    last = error
                    running.remove(sent)
                    jobs.over(sent)
                    if running and noted is sent:
                        noted = running[0]
                        note(noted)
                    continue
                running.remove(sent)
                if noted is not sent:
                    note(sent)  # before the other is cancelled: were the process killed now, this one has the answer
                for loser in running:
                    jobs.lose(loser)
                return done
            pause(RACE_S)
        raise last
    finally:
        for sent in (first, second):
            jobs.over(sent)
