"""The endpoints' ids and addresses, and the keys to them."""

from collections.abc import Mapping

import msgspec

from framefleet.config.options import DECLARED
from framefleet.logs import hide

RUNPOD_BASE_URL = "https://api.runpod.ai/v2"
RUNPOD_MANAGE_URL = "https://api.runpod.io"


class Secret:
    """A key that cannot be printed by accident; `reveal()` is for the one header it goes into."""

    def __init__(self, value: str) -> None:
        self._value = value
        hide(value)

    def reveal(self) -> str:
        return self._value

    def __reduce__(self) -> tuple[type["Secret"], tuple[str]]:
        return Secret, (self._value,)  # so that another process hides it in its log too

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """The endpoints and how to reach them."""

    endpoints: Mapping[str, str] = {}  # endpoint kind ("yolo") → RunPod endpoint id
    api_key: Secret | None = None
    base_url: str = RUNPOD_BASE_URL
    manage_url: str = RUNPOD_MANAGE_URL  # of the service that creates and changes endpoints
    whisper_api: str | None = None  # an OpenAI-compatible service that transcribes
    whisper_api_key: Secret | None = None
    share: int = 1  # how many processes divide the rate limits of the endpoints among them


ENDPOINT_KINDS = ("yolo", "whisper", "ast", "ocr")
WHISPER_API = "FRAMEFLEET_WHISPER_API"


def endpoint_kinds() -> tuple[str, ...]:
    """Return the kinds of endpoints: ours, which have images, and those of further stages."""
    return tuple(dict.fromkeys([*ENDPOINT_KINDS, *(one.endpoint for one in DECLARED.values() if one.endpoint)]))


MAIN_KINDS = ("yolo", "whisper")  # a GPU pays off for these: the others run well enough on this machine
