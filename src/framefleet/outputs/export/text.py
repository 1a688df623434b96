"""Text that came out of a video or a model, made fit for other tools' formats. Pure."""

import re
from functools import lru_cache

_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]"
)  # what XML 1.0 may not hold, and C1


@lru_cache(4096)  # labels come by the ten thousand, and are few
def clean(text: str) -> str:
    """One line without control characters, which end strings, lines or files early in this or that reader."""
    return " ".join(_CONTROL.sub(" ", text).split())
