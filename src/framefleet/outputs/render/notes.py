"""What becomes of the boxes, in words: on the picture in short, and at the end with the reason. Pure."""

from framefleet.media.types import MediaInfo
from framefleet.outputs.render.lettering import is_whole
from framefleet.outputs.render.options import RenderOptions
from framefleet.outputs.render.overlay import MAX_BOXES, Moments
from framefleet.results.query.availability import failed
from framefleet.results.query.intervals import commonest
from framefleet.schema.document import Document

MOVED = "dashed: moved or held between samples"
HELD = "dashed: held until the next sample"

_TOLD = 3  # labels named of those that cannot be drawn


class Account:
    """Of the boxes of `moments`, which were made of `document`, in a video that is `media`."""

    def __init__(self, document: Document, media: MediaInfo, look: RenderOptions, moments: Moments) -> None:
        self._document, self._look, self._moments = document, look, moments
        self._is_dense = document.config.fps >= media.fps and document.config.sampling == "exact"

    @property
    def legend(self) -> str | None:
        """What dashes mean; None where there are none to be seen, or the legend is not wanted."""
        if not self._look.legend or not self._moments.count or self._is_dense:
            return None
        return MOVED if self._moments.moving else HELD

    @property
    def boxes(self) -> str:
        """How they are drawn."""
        if self._document.detections is None:
            return "no boxes: objects were not asked for"
        if not self._moments.count:
            error = failed(self._document, "detections")
            return f"no boxes: objects failed ({error})" if error else "no boxes: there is no object to draw"
        if self._is_dense:
            return "boxes as they are found in every picture"
        if self._moments.moving:
            return "boxes moved along their tracks between samples, others held (dashed)"
        return f"boxes held until the next sample (dashed){self._why}"

    @property
    def _why(self) -> str:
        if self._look.boxes == "hold":
            return ""
        return f", for {self._moments.hurdle or 'there are no tracks to move along'}"

    @property
    def notes(self) -> list[str]:
        """What is not drawn as it is in the document, a line each."""
        notes, crowded = [], self._moments.crowded
        if crowded:
            notes.append(f"more than {MAX_BOXES} boxes in {crowded} of the pictures: the surest are drawn")
        if lost := [label for label in commonest(self._document) if not is_whole(label)]:
            named = ", ".join(lost[:_TOLD]) + (", …" if len(lost) > _TOLD else "")
            notes.append(
                f"{len(lost)} of the labels cannot be drawn as they are; for letters a class number stands: {named}"
            )
        return notes
