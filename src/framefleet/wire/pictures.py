"""Pictures as they are sent, whichever endpoint looks at them."""

from typing import Annotated

import msgspec

from framefleet.units import Seconds

Side = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in source pixels."""


class JpegFrame(msgspec.Struct, frozen=True):
    """One picture. `jpeg` is base64 on the wire; `index` and `time_s` are only carried through to the reply."""

    index: int
    time_s: Seconds
    jpeg: bytes


class JpegFrames(msgspec.Struct, frozen=True, tag_field="kind", tag="jpeg_frames"):
    """A batch of pictures, each a JPEG file."""

    frames: Annotated[list[JpegFrame], msgspec.Meta(min_length=1, max_length=1024)]
