"""What a run costs, in dollars and in time."""

import msgspec

from framefleet.timebase import Seconds

Backend = str
"""A backend's name: "runpod", "api" (an OpenAI-compatible transcription service), "local", or another package's."""


class EndpointCost(msgspec.Struct, frozen=True, kw_only=True):
    """One stage's bill. Seconds and dollars are 0 where it is not `billed`: on this machine, or `remote` by an API.

    `delay_s` is what its requests waited in the service's queue, all together, and `first_delay_s` what the first of
    them did: mostly a cold start. Neither is work, and neither is billed. `usd_all_runs` is `usd` and what other
    runs on the same video paid the same endpoint; null where nobody kept account.
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
    """Dollars before and after: `usd` of this run alone, `usd_all_runs` of all that the document took.

    `usd_sequential` is one frame or chunk after the other, by the same rule.
    """

    usd: float
    usd_all_runs: float | None = None
    usd_estimated: float
    usd_sequential: float
    rule: str = "from a worker's start to its stop, idle time included, rounded up to a second"
    stages: dict[str, EndpointCost]
