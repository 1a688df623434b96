"""The result of the sounds stage."""

import msgspec

from framefleet.schema.speech import Skipped
from framefleet.timebase import Seconds


class SoundEvent(msgspec.Struct, frozen=True, gc=False):
    """A class of sound that is heard without a pause longer than half a second.

    Times are on the video's clock, as exact as the model's slices: each slice stands for the time nearest to it.
    `score` is the highest of any slice, `mean_score` the mean of all slices in which the class is heard.
    """

    label: str
    class_id: int
    start_s: Seconds
    end_s: Seconds
    score: float
    mean_score: float


class Sounds(msgspec.Struct, frozen=True):
    """The sound events, in the order of their start. A class is heard in a slice if its score is `threshold` or
    more."""

    threshold: float
    events: list[SoundEvent]
    skipped: list[Skipped] = []
