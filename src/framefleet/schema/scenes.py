"""Scenes, and what the other analyses found in each."""

from typing import Literal

import msgspec

from framefleet.schema.results import StageName
from framefleet.timebase import Seconds

Transition = Literal["cut", "fade", "dissolve", "slide"]
"""A hard cut, a fade through one colour, one picture turning into another, or another page on a screen that stands."""


class SceneEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A scene and all that the other stages found in it, each under its own name.

    `objects` is, by label, the most that were in one picture at once. `speech` that goes on over a cut belongs to the
    scene that it shares most time with; `sounds` and `text` belong to each, as does what further stages found, which
    is in `results` by what they call it, absent where there were none. `transition` is how it begins; null for
    the first one, and where nobody looked.
    """

    index: int
    start_s: Seconds
    end_s: Seconds
    thumbnail_s: Seconds
    objects: dict[str, int]
    speech: str
    sounds: list[str]
    text: list[str]
    transition: Transition | None = None
    results: dict[StageName, list[str]] | msgspec.UnsetType = msgspec.UNSET
