"""The usage of a job, which its cost is computed from."""

from dataclasses import dataclass

from framefleet.fleet.backends.base import Receipt
from framefleet.timebase import Seconds


@dataclass(frozen=True, slots=True)
class JobUsage:
    """One job as it was served: an entry of a bill. `submitted_s` is seconds since the run began.

    `submitted_s` is None for a job of an earlier run, `gpu` if the worker did not report it. `hedged`: another job won.
    `run_s` is when the run that sent it began, in seconds since this one did.
    """

    submitted_s: Seconds | None
    receipt: Receipt
    gpu: str | None = None
    hedged: bool = False
    run_s: Seconds = 0.0
