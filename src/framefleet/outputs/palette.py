"""A colour for each label, the same in the report and the annotated video. Pure."""

from framefleet.results.query.intervals import commonest
from framefleet.schema.document import Document

Rgb = tuple[int, int, int]

HUES = (
    "#3d9bff", "#ff8b3d", "#2fc58a", "#f26bb1", "#a98bff", "#d8a806", "#25c3cc", "#ff6666", "#8dbf2e", "#c79a73",
)  # fmt: skip
SHARES = (1.0, 0.78, 0.6)
"""Brightness of the hues: with more labels than hues, the less common ones repeat the hues darker."""


def colours(document: Document) -> dict[str, Rgb]:
    """Return red, green and blue, 0 to 255, of every label; labels only in frames that do not count come last."""
    all_labels = (thing.label for detection in document.detections or () for thing in detection.objects or ())
    labels = dict.fromkeys([*commonest(document), *all_labels])
    return {label: colour(place) for place, label in enumerate(labels)}


def colour(place: int) -> Rgb:
    """Return the colour of the label with rank `place` by frequency, from 0."""
    hue, share = HUES[place % len(HUES)], SHARES[place // len(HUES) % len(SHARES)]
    red, green, blue = (round(share * int(hue[at : at + 2], 16)) for at in (1, 3, 5))
    return red, green, blue
