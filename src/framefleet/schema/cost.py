"""The cost of a run, in dollars and in time."""

import msgspec

from framefleet.timebase import Seconds

Backend = str
"""The name of a backend: "runpod", "api" (an OpenAI-compatible transcription service), "local", or a plug-in's."""


class EndpointCost(msgspec.Struct, frozen=True, kw_only=True):
    """The cost of one stage. Seconds and dollars are 0 if it is not `billed`: on this machine, or `remote` by an API.

    `delay_s` is the total time that its requests waited in the service's queue, and `first_delay_s` the first
    request's: mostly a cold start. Neither is work, and neither is billed. `usd_all_runs` is `usd` plus what other runs
    on the same video paid for the same endpoint; null if that was not recorded.
    """

    backend: Backend
    remote: bool
    billed: bool
    usd_per_s: float
    rate_source: str
    requests: int
    workers: int
    execution_s: Seconds
    delay_s: Seconds
    first_delay_s: Seconds
    billed_s: Seconds
    usd: float
    usd_all_runs: float | None = None
    usd_estimated: float
    usd_sequential: float


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """The estimated and the actual cost: `usd` of this run alone, `usd_all_runs` of all runs for the document.

    `usd_sequential` is the cost of one frame or chunk after the other, by the same rule.
    """

    usd: float
    usd_all_runs: float | None = None
    usd_estimated: float
    usd_sequential: float
    rule: str = "from a worker's start to its stop, idle time included, rounded up to a second"
    stages: dict[str, EndpointCost]
