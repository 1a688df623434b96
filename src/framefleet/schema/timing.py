"""Where a run's time went."""

import msgspec

from framefleet.timebase import Seconds


class StageTiming(msgspec.Struct, frozen=True, kw_only=True):
    """Wall seconds: `busy_s` with at least one request asked, `waiting_s` between requests with none.

    `done` counts pictures, or seconds of sound, that were worked on, and `per_s` those a busy second. `queue_mean` is
    how many payloads were there and not yet asked about, on average: 0 means that the stage waited for its input, and
    as many as are asked at once that its input waited for it. Null where there is no such thing.
    """

    busy_s: Seconds
    waiting_s: Seconds
    done: float | None = None
    per_s: float | None = None
    queue_mean: float | None = None


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """`decode` is what fed the stages, `pictures` and `sound`: `waiting_s` is how long it waited for them to take more.

    `prefilter` is, by stage, looking here at what is worth asking about. `overlap` is the sum of all busy times over
    the wall time: 1 for one thing after the other. `bottleneck` is what needed the most time (of parts that take turns,
    all together and among them the one that needed most), and `advice` what would help most.
    """

    wall_s: Seconds
    decode: dict[str, StageTiming]
    prefilter: dict[str, StageTiming] = {}
    stages: dict[str, StageTiming]
    overlap: float
    bottleneck: str | None
    advice: str | None
