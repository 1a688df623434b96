"""The name of a piece of work, known before anything is decoded. Pure."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

_VERSION = 1  # raised when the same key would no longer mean the same answer


def piece_key(source_sha256: str, endpoint: str, name: str, identity: Mapping[str, Any]) -> str:
    """A sha256 over all that decides an answer: the file, the piece's `name` in it, who is asked, and with what.

    It knows neither index nor batch, so that splitting, another fps and a resumed run find the same answer again.
    """
    parts = [_VERSION, source_sha256, endpoint, name, identity]
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()
