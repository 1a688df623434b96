"""The timing of a run."""

import msgspec

from framefleet.timebase import Seconds


class StageTiming(msgspec.Struct, frozen=True, kw_only=True):
    """Wall seconds: `busy_s` with at least one request in flight, `waiting_s` between requests.

    `done` is the number of frames, or seconds of sound, that were processed, and `per_s` the same per busy second.
    `queue_mean` is the mean number of payloads that waited to be sent: about 0 if the stage waited for its input, and
    about the number of requests in flight if the input waited for the stage. Null if it does not apply.
    """

    busy_s: Seconds
    waiting_s: Seconds
    done: float | None = None
    per_s: float | None = None
    queue_mean: float | None = None


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """The timing of a run's parts. `decode` has `pictures` and `sound`, whose `waiting_s` is the time that decoding
    waited for the stages.

    `prefilter` is, by stage, the check on this machine of what is worth sending. `overlap` is the sum of all busy times
    over the wall time: 1 without parallelism. `bottleneck` is the part that needed the most time (parts that take turns
    count together, and the slowest of them is named), and `advice` what would help most.
    """

    wall_s: Seconds
    decode: dict[str, StageTiming]
    prefilter: dict[str, StageTiming] = {}
    stages: dict[str, StageTiming]
    overlap: float
    bottleneck: str | None
    advice: str | None
