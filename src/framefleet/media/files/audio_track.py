"""The choice of a file's audio track."""

from pathlib import Path

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition

from framefleet.errors import UsageError
from framefleet.media.files.container import audio_stream
from framefleet.media.files.languages import same_language

_ASIDE = Disposition.comment | Disposition.visual_impaired | Disposition.hearing_impaired
"""Commentary and narration, which a request for a language alone does not mean."""


def choose_track(path: Path, container: InputContainer, wanted: int | str | None) -> int | None:
    """Return the number, counted from 1, of the track `wanted`: by number, by language, or the best one.

    None if the file has no sound that can be decoded and none is requested. Raises `UsageError`, which lists the
    existing tracks, if there is no such track or its codec is unknown.
    """
    streams = list(container.streams.audio)
    best = audio_stream(container)
    if wanted is None:
        return streams.index(best) + 1 if best is not None else None
    known = [number for number, stream in enumerate(streams, 1) if _fits(number, stream, wanted)]
    if not known:
        raise UsageError(f"--audio-track {wanted}: {path} has {_listed(streams)}")
    return min(known, key=lambda number: _rank(streams[number - 1], wanted, best))


def language_of(stream: AudioStream) -> str | None:
    """Return the stream's language tag; None if it has none or is tagged as undetermined."""
    tag = _printable(stream.metadata.get("language", ""))
    return tag if tag not in {"", "und"} else None


def _fits(number: int, stream: AudioStream, wanted: int | str) -> bool:
    if stream.codec_context is None:
        return False
    return number == wanted if isinstance(wanted, int) else same_language(language_of(stream) or "und", wanted)


def _rank(stream: AudioStream, wanted: int | str, best: AudioStream | None) -> tuple[bool, bool, bool]:
    """Rank tracks of one language: the exact tag before other regions, then the main sound before commentary."""
    return (language_of(stream) or "").lower() != wanted, bool(stream.disposition & _ASIDE), stream is not best


def _listed(streams: list[AudioStream]) -> str:
    if not streams:
        return "no audio track"
    told = "; ".join(f"{number}: {_described(stream)}" for number, stream in enumerate(streams, 1))
    return f"{len(streams)} audio track{'s' * (len(streams) > 1)}: {told}"


def _described(stream: AudioStream) -> str:
    if stream.codec_context is None:
        return "of an unknown codec"
    title = _printable(stream.metadata.get("title", ""))
    parts = [language_of(stream), stream.codec_context.codec.canonical_name, f"{stream.codec_context.channels} ch"]
    return " ".join([part for part in parts if part] + ([f"“{title}”"] if title else []))


def _printable(text: str) -> str:
    """Return the text without characters that a terminal might interpret: file metadata is untrusted."""
    return "".join(character for character in text if character.isprintable()).strip()
