"""What `framefleet templates` and `framefleet classify` return, as it is written. Field names are public API."""

from typing import Any

import msgspec

from framefleet.corpus.vector import Value
from framefleet.schema.codec import schema_of
from framefleet.timebase import Seconds


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A figure by which a template differs: its median `here` and `elsewhere`, and `text` for people."""

    figure: str
    here: float
    elsewhere: float
    text: str


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """A template that at least three videos follow. `members` and `medoid` are paths of documents.

    `id` stays the same while videos come in. Templates of one `family` lie close: `differences` are to all videos of
    other templates, `from_family` to those of the same family. The `medoid` is the member most like all others.
    """

    id: str
    family: str
    members: list[str]
    medoid: str
    template: str
    differences: list[Difference]
    from_family: list[Difference] = []


class FigureInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of the vectors. `scale` is a noticeable difference, of log(value + `above`) unless that is null."""

    name: str
    group: str
    weight: float
    scale: float
    above: float | None


class VideoFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The vector of a video. A figure is null if there is no such thing in it, and missing if it was not looked for.

    `unknown` are the groups that were not looked at. `cluster` is null if the video follows no template. `x` and `y`,
    -1 to 1, are its place on a map on which videos that are alike lie close.
    """

    document: str
    video: str
    cluster: str | None
    x: float
    y: float
    figures: dict[str, Value]
    unknown: list[str]


class Templates(msgspec.Struct, frozen=True, kw_only=True):
    """The templates of a corpus: each document is a member of one of `clusters`, or `alone`."""

    clusters: list[Cluster]
    alone: list[str]
    figures: list[FigureInfo]
    videos: list[VideoFigures]


def templates_schema() -> dict[str, Any]:
    """Return the JSON Schema that every templates.json validates against."""
    return schema_of(Templates, "FrameFleet templates")


class Because(msgspec.Struct, frozen=True):
    """A text that decided. `start_s` is null for a title or a description."""

    text: str
    start_s: Seconds | None


class Niche(msgspec.Struct, frozen=True, kw_only=True):
    """The label of a video. `label` is null if it is none of them; `score`, 0–1, is how sure that is.

    `second` is the second best label. `unsure`: the score is below 0.5. `note`: what to know about how it was found.
    """

    video: str
    document: str
    label: str | None
    score: float
    second: str | None
    unsure: bool
    because: list[Because]
    note: str | None = None
