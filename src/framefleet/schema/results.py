"""The results of further stages, self-describing, so that they can be read and shown without the stage."""

from typing import Annotated, Any

import msgspec

from framefleet.timebase import Seconds

StageName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*$(?!\n)")]
"""Letters, digits and underscores only, because file names are made from it."""


class FoundSpan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A span with a `label`, the kind of what was found, and a `text` to display; either may be empty."""

    start_s: Seconds
    end_s: Seconds
    label: str = ""
    text: str = ""
    confidence: float | None = None

    @property
    def name(self) -> str:
        """The name to display."""
        return self.text or self.label


class StageResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a stage that has no field of its own. `label` is the word for it in output, such as "described".

    `data` is the stage's whole result in its own form.
    """

    label: str
    spans: list[FoundSpan]
    data: Any = None
