"""What a job cost, as it becomes known."""

from dataclasses import dataclass

from framefleet.fleet.backends.base import Receipt
from framefleet.timebase import Seconds


@dataclass(frozen=True, slots=True)
class JobUsage:
    """One job as it was served: what a bill is made of. `submitted_s` is seconds since the run began.

    `submitted_s` is None for a job of an earlier run, `gpu` where the worker did not say. `hedged`: another one won.
    `run_s` is when the run that asked began, in seconds since this one did.
    """

    submitted_s: Seconds | None
    receipt: Receipt
    gpu: str | None = None
    hedged: bool = False
    run_s: Seconds = 0.0
