"""An OpenAI-compatible transcription API (OpenAI, Azure, or self-hosted) as one call, its errors translated to ours.

Facts from OpenAI's and Azure's references of `audio/transcriptions`: a form with the file, whose name gives its
format; Azure has the model in the URL, a version in its query, and the key in a header `api-key`.
"""

from urllib.parse import SplitResult, urlsplit, urlunsplit

import msgspec
from urllib3 import encode_multipart_formdata

from framefleet.config.endpoints import Secret
from framefleet.errors import (
    AuthError,
    EndpointGoneError,
    FleetError,
    RateLimitedError,
    RefusedError,
    TooLargeError,
    UnreachableError,
    UsageError,
)
from framefleet.fleet.backends.http import Http
from framefleet.protocol.whisper import WhisperRequest
from framefleet.timebase import Seconds

READ_TIMEOUT_S: Seconds = 600.0  # a clip of 15 minutes is answered when all of it is transcribed, and not before
BODY_LIMIT = 25_000_000  # bytes of a file, OpenAI's and Azure's
FILE_NAMES = {"opus": "audio.ogg", "flac": "audio.flac", "wav": "audio.wav"}
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class _ApiProblem(msgspec.Struct):
    message: str = ""
    code: str | int | None = None


class _ApiError(msgspec.Struct):
    error: _ApiProblem | str = ""


class OpenAiApi:
    """The API at `url`, which ends before `/audio/transcriptions`, with the query that each call needs."""

    def __init__(self, url: str, api_key: Secret | None) -> None:
        parts = _checked(url)
        self.host = parts.netloc
        self._path = f"{parts.path.strip('/')}/audio".lstrip("/")
        self._query = f"?{parts.query}" if parts.query else ""
        azure = "api-version=" in parts.query
        self._api_key = api_key
        self._http = Http(
            urlunsplit((parts.scheme, parts.netloc, "", "", "")),
            api_key,
            key_header="api-key" if azure else None,
            read_timeout_s=READ_TIMEOUT_S,
        )

    def transcribe(self, request: WhisperRequest, model: str) -> bytes:
        """Return the transcript of a clip, as `verbose_json`. Raises `FleetError`."""
        audio = request.audio
        assert isinstance(audio, bytes)  # the API takes encoded sound alone
        if len(audio) > BODY_LIMIT:
            raise TooLargeError(f"{self.host}: {len(audio) / 1e6:.1f} MB of sound exceed its limit of 25 MB")
        task = "transcriptions" if request.task == "transcribe" else "translations"
        body, content_type = encode_multipart_formdata(_form(request, audio, model))
        try:
            status, content = self._http.send(
                "POST", f"{self._path}/{task}{self._query}", body, content_type=content_type
            )
        except UnreachableError as error:
            raise UnreachableError(f"{self.host}: {error.message}", hint=error.hint) from None
        if status != 200:
            raise translate(status, self.host, self._without_key(content))
        return content

    def close(self) -> None:
        self._http.close()

    def _without_key(self, content: bytes) -> bytes:
        return content.replace(self._api_key.reveal().encode(), b"(the key)") if self._api_key is not None else content


def _form(request: WhisperRequest, audio: bytes, model: str) -> list[tuple[str, str | tuple[str, bytes]]]:
    form: list[tuple[str, str | tuple[str, bytes]]] = [
        ("file", (FILE_NAMES[request.format], audio)),
        ("model", model),
        ("response_format", "verbose_json"),
    ]
    if request.task == "transcribe":  # a translation has no word times, and detects the language itself
        form += [("timestamp_granularities[]", kind) for kind in ("segment", "word")]
        form += [("language", request.language)] if request.language else []
    return form


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        if parts.hostname and safe and "@" not in parts.netloc and not parts.fragment:
            return parts
    except ValueError:
        pass
    raise UsageError(
        "the transcription API's URL is not valid",
        hint="give one such as https://api.openai.com/v1 (http only on this machine)",
    )


def translate(status: int, host: str, content: bytes) -> FleetError:
    """Return the error for an HTTP status other than 200. The text about a refused key may quote it, and is dropped."""
    problem = _problem(content)
    if status in {401, 403}:
        return AuthError(f"{host}: refuses the key ({status})", hint="check FRAMEFLEET_WHISPER_API_KEY")
    if status == 404:
        return EndpointGoneError(f"{host}: not found", hint="check the transcription API's URL and the model's name")
    if status == 429 and problem.code == "insufficient_quota":
        return AuthError(f"{host}: the key's account has nothing left to spend", hint="add credit to it")
    if status == 429:
        return RateLimitedError(f"{host}: too many requests", hint="lower --whisper-rpm")
    if status == 413 or (status == 400 and "longer than" in problem.message):
        return TooLargeError(f"{host}: the sound is longer than it takes at once")
    if status >= 500 or status == 408:
        return UnreachableError(f"{host}: the service answered {status}")
    if 300 <= status < 400:
        return EndpointGoneError(
            f"{host}: redirects to another address ({status})", hint="check the transcription API's URL"
        )
    return RefusedError(f"{host}: the service answered {status}: {problem.message[:200]}")


def _problem(content: bytes) -> _ApiProblem:
    try:
        error = msgspec.json.decode(content, type=_ApiError).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _ApiProblem(content[:200].decode("utf-8", "replace"))
    return error if isinstance(error, _ApiProblem) else _ApiProblem(error)
