"""The scenes, with what the other stages found in each."""

from typing import Literal

import msgspec

from framefleet.schema.results import StageName
from framefleet.timebase import Seconds

Transition = Literal["cut", "fade", "dissolve", "slide"]
"""A hard cut, a fade through one colour, a dissolve of one scene into the next, or a change of slides."""


class SceneEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A scene and everything that the other stages found in it, each under its own name.

    `objects` is, by label, the largest number in one frame. `speech` that continues over a cut belongs to the scene
    that it overlaps longest; `sounds` and `text` belong to every scene they overlap. So do the results of further
    stages, which are in `results` by their own names, absent if there are none. `transition` is how the scene begins;
    null for the first one, and if it was not detected.
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
