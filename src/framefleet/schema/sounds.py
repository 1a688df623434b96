"""What is heard besides speech."""

import msgspec

from framefleet.schema.speech import Skipped
from framefleet.timebase import Seconds


class SoundEvent(msgspec.Struct, frozen=True, gc=False):
    """A class of sound heard without a pause longer than half a second.

    Times are on the video's clock, as sharp as the model's slices are: each slice speaks for what is nearest to it.
    `score` is that of the slice in which it is clearest, `mean_score` of all slices in which it is heard.
    """

    label: str
    class_id: int
    start_s: Seconds
    end_s: Seconds
    score: float
    mean_score: float


class Sounds(msgspec.Struct, frozen=True):
    """What is heard, in order of beginning. A class is heard in a slice where its score is `threshold` or more."""

    threshold: float
    events: list[SoundEvent]
    skipped: list[Skipped] = []
