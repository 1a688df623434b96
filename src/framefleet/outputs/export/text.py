"""Cleaning of text from videos and models for other tools' formats. Pure."""

import re
from functools import lru_cache

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # invalid in XML 1.0, and C1


@lru_cache(4096)  # few distinct labels, many calls
def clean(text: str) -> str:
    """Return one line without control characters, which end strings, lines or files early in some readers."""
    return " ".join(_CONTROL.sub(" ", text).split())
