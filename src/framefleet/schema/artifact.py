"""A file that belongs to a result, such as a picture, a clip or a piece of WebM."""

from typing import Annotated

import msgspec

from framefleet.timebase import Seconds

SHA256 = r"^[0-9a-f]{64}$(?!\n)"
MEDIA_TYPE = r"^[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*$(?!\n)"


class Artifact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a document says of the file. Its content is kept apart from the document, by its `sha256`.

    `bytes` is how many it has. `name` is for people, and never a path. It is of the video from `start_s` to `end_s`, or
    of a moment where it has no end; of all of it where it has neither.
    """

    sha256: Annotated[str, msgspec.Meta(pattern=SHA256)]
    media_type: Annotated[str, msgspec.Meta(pattern=MEDIA_TYPE)]
    bytes: Annotated[int, msgspec.Meta(ge=0)]
    name: str = ""
    start_s: Seconds | None = None
    end_s: Seconds | None = None
