"""One colour a label, the same on the page and in the annotated video. Pure."""

from framefleet.results.query.intervals import commonest
from framefleet.schema.document import Document

Rgb = tuple[int, int, int]

HUES = (
    "#3d9bff", "#ff8b3d", "#2fc58a", "#f26bb1", "#a98bff", "#d8a806", "#25c3cc", "#ff6666", "#8dbf2e", "#c79a73",
)  # fmt: skip
SHARES = (1.0, 0.78, 0.6)
"""Of more labels than hues, the commonest have the hues as they are, and the rest begin again darker."""


def colours(document: Document) -> dict[str, Rgb]:
    """Red, green and blue, 0 to 255, of every label, those of pictures that do not count last."""
    all_labels = (thing.label for detection in document.detections or () for thing in detection.objects or ())
    labels = dict.fromkeys([*commonest(document), *all_labels])
    return {label: colour(place) for place, label in enumerate(labels)}


def colour(place: int) -> Rgb:
    """Of the label that is the `place`-th commonest, from 0."""
    hue, share = HUES[place % len(HUES)], SHARES[place // len(HUES) % len(SHARES)]
    red, green, blue = (round(share * int(hue[at : at + 2], 16)) for at in (1, 3, 5))
    return red, green, blue
