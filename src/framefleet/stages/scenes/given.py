"""Scenes that the user supplies in a file, instead of detection."""

from pathlib import Path
from typing import Any

import msgspec

from framefleet.errors import InputError
from framefleet.stages.scene import Scene, scenes_of
from framefleet.timebase import Seconds, Span

_EXAMPLE = '[{"start_s": 0, "end_s": 4.2}] or [[0, 4.2]]'
_END_SLACK_S = 0.1  # other tools may compute the last frame's end differently; more than this is another video
_MAX_BYTES = 64 * 2**20


def read_scenes(path: Path, duration_s: Seconds) -> list[Scene]:
    """Return the scenes in a JSON file: a list of `{"start_s": …, "end_s": …}` or `[start, end]`, in seconds, in order.

    The names `start` and `end` are accepted too, other fields are ignored, and the list may be the field `scenes` of an
    object, as in FrameFleet's own documents. Scenes may leave parts of the video out; they may not overlap. Raises
    `InputError` with the file, the scene (counted from 0) and what is wrong with it.
    """
    scenes: list[Span] = []
    for index, entry in enumerate(_entries(path)):
        span = _span(entry, f"{path}: scene {index}")
        _check(span, scenes[-1] if scenes else None, duration_s, f"{path}: scene {index}")
        scenes.append(Span(span.start_s, min(span.end_s, duration_s)))
    return scenes_of(scenes)


def _entries(path: Path) -> list[Any]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path}: larger than {_MAX_BYTES >> 20} MiB", hint="give a JSON file of scenes")
        # utf-8-sig: editors on Windows put a byte order mark first
        content = msgspec.json.decode(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error})", hint="give a JSON file of scenes"
        ) from None
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error})", hint=f"give {_EXAMPLE}") from None
    entries = content.get("scenes") if isinstance(content, dict) else content
    if not isinstance(entries, list):
        raise InputError(f"{path}: not a list of scenes", hint=f"give {_EXAMPLE}")
    if not entries:
        raise InputError(f"{path}: no scene in it", hint=f"give {_EXAMPLE}, or leave the file out to detect scenes")
    return entries


def _span(entry: Any, place: str) -> Span:
    match entry:
        case {"start_s": start, "end_s": end} | {"start": start, "end": end} | [start, end]:
            times = [_time(time, place) for time in (start, end)]
            return Span(*times)
    raise InputError(f"{place}: needs a start and an end in seconds", hint=f"give {_EXAMPLE}")


def _time(value: Any, place: str) -> Seconds:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{place}: {value!r:.40} is not a number of seconds", hint=f"give {_EXAMPLE}")
    return float(value)


def _check(span: Span, before: Span | None, duration_s: Seconds, place: str) -> None:
    told = f"{place} ({span.start_s:g}–{span.end_s:g} s)"
    if span.start_s < 0:
        raise InputError(f"{told}: starts before 0", hint="count times from the video's first frame")
    if span.end_s <= span.start_s:
        raise InputError(f"{told}: ends no later than it starts")
    if before is not None and span.start_s < before.start_s:
        raise InputError(
            f"{told}: comes after a scene that starts at {before.start_s:g} s", hint="sort the scenes by start"
        )
    if before is not None and span.start_s < before.end_s:
        raise InputError(f"{told}: overlaps the scene before, which ends at {before.end_s:g} s")
    if span.end_s > duration_s + _END_SLACK_S or span.start_s >= duration_s:
        raise InputError(
            f"{told}: ends after the video's end at {duration_s:g} s", hint="check that the file is for this video"
        )
