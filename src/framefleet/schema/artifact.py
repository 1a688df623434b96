"""A file that belongs to a result, such as an image, a clip or a piece of WebM."""

from typing import Annotated

import msgspec

from framefleet.timebase import Seconds

SHA256 = r"^[0-9a-f]{64}$(?!\n)"
MEDIA_TYPE = r"^[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*$(?!\n)"


class Artifact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A document's reference to a file, whose content is stored separately under its `sha256`.

    `bytes` is its size. `name` is for display, and never a path. The file covers the video from `start_s` to `end_s`;
    one moment if only `start_s` is given, all of it if neither is.
    """

    sha256: Annotated[str, msgspec.Meta(pattern=SHA256)]
    media_type: Annotated[str, msgspec.Meta(pattern=MEDIA_TYPE)]
    bytes: Annotated[int, msgspec.Meta(ge=0)]
    name: str = ""
    start_s: Seconds | None = None
    end_s: Seconds | None = None
