"""Texts on how boxes are drawn: the legend on the frame, and the summary with the reason. Pure."""

from framefleet.media.types import MediaInfo
from framefleet.outputs.render.lettering import is_whole
from framefleet.outputs.render.options import RenderOptions
from framefleet.outputs.render.overlay import MAX_BOXES, Moments
from framefleet.results.query.availability import failed
from framefleet.results.query.intervals import commonest
from framefleet.schema.document import Document

MOVED = "dashed: moved or held between samples"
HELD = "dashed: held until the next sample"

_TOLD = 3  # labels listed of those that cannot be drawn


class Account:
    """A description of how the boxes of `moments`, made from `document`, are drawn on the video `media`."""

    def __init__(self, document: Document, media: MediaInfo, look: RenderOptions, moments: Moments) -> None:
        self._document, self._look, self._moments = document, look, moments
        self._is_dense = document.config.fps >= media.fps and document.config.sampling == "exact"

    @property
    def legend(self) -> str | None:
        """The meaning of dashed boxes; None if there are none, or without a legend."""
        if not self._look.legend or not self._moments.count or self._is_dense:
            return None
        return MOVED if self._moments.moving else HELD

    @property
    def boxes(self) -> str:
        """How the boxes are drawn."""
        if self._document.detections is None:
            return "no boxes: the objects stage did not run"
        if not self._moments.count:
            error = failed(self._document, "detections")
            return f"no boxes: objects failed ({error})" if error else "no boxes: no objects"
        if self._is_dense:
            return "boxes as detected in every frame"
        if self._moments.moving:
            return "boxes moved along their tracks between samples, others held (dashed)"
        return f"boxes held until the next sample (dashed){self._why}"

    @property
    def _why(self) -> str:
        if self._look.boxes == "hold":
            return ""
        return f", since {self._moments.hurdle or 'there are no tracks'}"

    @property
    def notes(self) -> list[str]:
        """Differences from the document, a line each."""
        notes, crowded = [], self._moments.crowded
        if crowded:
            notes.append(f"more than {MAX_BOXES} boxes in {crowded} of the frames: the most confident are drawn")
        if lost := [label for label in commonest(self._document) if not is_whole(label)]:
            named = ", ".join(lost[:_TOLD]) + (", …" if len(lost) > _TOLD else "")
            notes.append(f"{len(lost)} of the labels cannot be drawn; the class number is shown instead: {named}")
        return notes
