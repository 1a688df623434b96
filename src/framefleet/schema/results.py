"""What further stages found: self-describing, so that it is read and shown without the stage."""

from typing import Annotated, Any

import msgspec

from framefleet.timebase import Seconds

StageName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*$(?!\n)")]
"""Names of files are made of it, so that there is nothing else in it."""


class FoundSpan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something with a time. `label` is of which kind it is, `text` what there is to read; either may be empty."""

    start_s: Seconds
    end_s: Seconds
    label: str = ""
    text: str = ""
    confidence: float | None = None

    @property
    def name(self) -> str:
        """What it is told as."""
        return self.text or self.label


class StageResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage found that the document has no field for. `label` is what a person is told of it: "described".

    `data` is the stage's whole result in its own form.
    """

    label: str
    spans: list[FoundSpan]
    data: Any = None
