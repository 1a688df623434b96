"""Options and endpoints from flags, the environment and framefleet.toml, checked."""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import inspect

from framefleet.config.endpoints import (
    RUNPOD_BASE_URL,
    RUNPOD_MANAGE_URL,
    WHISPER_API,
    Fleet,
    Secret,
    endpoint_kinds,
)
from framefleet.config.options import DECLARED, Options, Setting, settings_of
from framefleet.config.settings import (
    CONFIG_FILE,
    from_environment,
    from_file,
    refuse_unknown,
    unknown,
    variable,
)
from framefleet.errors import UsageError
from framefleet.schema.document import Crop
from framefleet.timebase import seconds_of

MOST_WORDS, LONGEST_WORD = 100, 100  # that a transcriber is told to expect: of more than 220 tokens it hears none
LONGEST_NAME = 60  # characters of a speaker's name


def load_options(
    flags: Mapping[str, Any], *, environ: Mapping[str, str] | None = None, folder: Path = Path()
) -> Options:
    """Return the options from `flags` (None: not given), `FRAMEFLEET_*`, framefleet.toml and defaults, in that order.

    Raises `UsageError` naming the option that is not valid, and where it is set.
    """
    environ = os.environ if environ is None else environ
    refuse_unknown(environ, settings_there_are())
    in_file = {k: v for k, v in from_file(folder).items() if k != "endpoints"}
    own = _own_in_file(in_file, f"{folder / CONFIG_FILE}: stages.")
    listed = _turned(in_file, lambda name: f"{folder / CONFIG_FILE}: {name}") | {n: v for n, (v, _) in own.items()}
    settings = _turned(from_environment(environ, (*_SETTINGS_OF_OPTIONS, *own_settings())), variable)
    given = {k: v for k, v in flags.items() if v is not None}
    stands = {n: f"{folder / CONFIG_FILE}: {n}" for n in listed} | {n: place for n, (_, place) in own.items()}
    stands |= {n: variable(n) for n in settings}
    return make_options(listed | settings | given, {n: place for n, place in stands.items() if n not in given})


_SPELT = {"from_s": "--from", "to_s": "--to"}  # whose names are no words of Python, or not alone


def spelt(name: str) -> str:
    """Return the flag of an option."""
    return _SPELT.get(name, f"--{name.replace('_', '-')}")


def make_options(values: Mapping[str, Any], stands: Mapping[str, str] = {}) -> Options:
    """Return checked options from typed values or text. `stands` has the origin of those that are not flags.

    Raises `UsageError` naming the option, its value and what it may be, and for options that leave nothing to do.
    """
    checked: dict[str, Any] = {}
    own: dict[str, dict[str, Any]] = defaultdict(dict)
    settings = own_settings()
    for name, value in values.items():
        place = stands.get(name, spelt(name))
        if name in settings:
            setting = settings[name]
            own[setting.stage][setting.field] = _checked(setting.kind, value, place)
        else:
            checked[name] = _checked_option(name, value, place)
    options = Options(**checked, own={stage: DECLARED[stage].options(**fields) for stage, fields in own.items()})
    if options.stages and all(getattr(options, name, None) is False for name in options.stages):
        name = options.stages[0]
        raise UsageError(f"{stands.get('stages', '--stages')} {name}: --no-{name} leaves nothing of it to do")
    return options


class OwnSetting(NamedTuple):
    """A field of a stage's own options."""

    stage: str
    field: str
    kind: Any
    setting: Setting


def own_settings() -> dict[str, OwnSetting]:
    """Return the own settings of all stages, by their names as options: `text_fps`."""
    return {
        f"{stage}_{field}": OwnSetting(stage, field, kind, setting)
        for stage, declared in DECLARED.items()
        for field, (kind, setting) in settings_of(declared.options).items()
    }


def _own_in_file(in_file: dict[str, Any], place: str) -> dict[str, tuple[Any, str]]:
    """Return the values of `[stages.NAME]` and their places, and remove them. `stages.names` are the run's stages."""
    tables = in_file.get("stages")
    if not isinstance(tables, dict):
        return {}
    del in_file["stages"]
    own: dict[str, tuple[Any, str]] = {}
    for stage, table in tables.items():
        if stage == "names":
            in_file["stages"] = table
            continue
        if stage not in DECLARED:
            raise unknown(f"{place}{stage}", stage, "stage", DECLARED)
        if not isinstance(table, dict):
            raise UsageError(f"{place}{stage}: not a table", hint=f"write a table, such as [stages.{stage}]")
        fields = DECLARED[stage].options.__struct_fields__
        for field, value in table.items():
            if field not in fields:
                raise unknown(f"{place}{stage}.{field}", field, "option", fields)
            own[f"{stage}_{field}"] = value, f"{place}{stage}.{field}"
    return own


def _turned(values: Mapping[str, Any], place: Callable[[str], str]) -> dict[str, Any]:
    """Return the values with `no_speech = true` as `speech = false`, and so on. Raises `UsageError` for both."""
    turned = dict(values)
    for negative, name in _NEGATIVES.items():
        if negative in turned:
            if name in turned:
                raise UsageError(f"{place(negative)}: {name} is set too", hint="set one of them")
            turned[name] = not _checked_option(name, turned.pop(negative), place(negative))
    return turned


def _checked_option(name: str, value: Any, place: str) -> Any:
    kind = _KINDS.get(name)
    if kind is None:
        raise unknown(place, name, "option", (*_KINDS, *own_settings()))
    if name in _PARSERS and isinstance(value, str | list | tuple):
        return _PARSERS[name](value if isinstance(value, str) else ",".join(map(str, value)), place)
    return _checked(kind, value, place)


def _checked(kind: Any, value: Any, place: str) -> Any:
    """Return the value as one of this type, from text or a typed value."""
    kinds = {kind, *get_args(kind)}
    if Path in kinds and isinstance(value, str):
        return Path(value)
    if Crop in kinds and isinstance(value, str | list | tuple):
        return parse_crop(value if isinstance(value, str) else ",".join(map(str, value)), place)
    try:
        checked = msgspec.convert(value, kind, strict=False)
        if isinstance(checked, float) and not isfinite(checked):
            raise msgspec.ValidationError("not a number")
    except msgspec.ValidationError:
        raise UsageError(f"{place} {value}: not valid", hint=f"give {_wanted(inspect.type_info(kind))}") from None
    return checked


def _wanted(kind: inspect.Type) -> str:
    """Return a description of the values that a type takes."""
    match kind:
        case inspect.UnionType():
            return " or ".join(_wanted(t) for t in kind.types if not isinstance(t, inspect.NoneType))
        case inspect.LiteralType():
            *others, last = map(str, kind.values)
            return f"{', '.join(others)} or {last}" if others else last
        case inspect.IntType():
            return f"a whole number from {kind.ge}" + (f" to {kind.le}" if kind.le is not None else " up")
        case inspect.FloatType():
            least = f"from {kind.ge:g}" if kind.ge is not None else f"above {kind.gt:g}"
            return f"a number {least}" + (f" up to {kind.le:g}" if kind.le is not None else "")
        case inspect.BoolType():
            return "true or false"
        case _:
            return "a text"


def parse_crop(text: str, place: str = "--crop") -> Crop:
    """Return the crop from `x,y,w,h` in source pixels. Raises `UsageError`."""
    try:
        x, y, width, height = (int(part) for part in text.split(","))
        return msgspec.convert({"x": x, "y": y, "width": width, "height": height}, Crop)
    except (ValueError, msgspec.ValidationError):
        raise UsageError(
            f"{place} {text}: not valid", hint="give x,y,width,height in pixels, such as 100,50,640,360"
        ) from None


def parse_stages(text: str, place: str = "--stages") -> tuple[str, ...]:
    """Return the stages named in a list with commas, or `all`. Raises `UsageError` for none, or `all` with others."""
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not names:
        raise UsageError(f"{place}: empty", hint="give stages separated by commas, such as objects,speech, or all")
    if "all" in names and len(names) > 1:
        raise UsageError(f"{place} {text}: all means every stage", hint="give it alone")
    return names


def parse_audio_track(text: str, place: str = "--audio-track") -> int | str:
    """Return a track's number, counted from 1, or the tag of its language. Raises `UsageError`."""
    if text.isdecimal() and int(text) > 0:
        return int(text)
    if not re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{1,8})*", text, re.ASCII | re.IGNORECASE):
        raise UsageError(
            f"{place} {text}: not valid", hint="give a track's number, counted from 1, or its language, such as eng"
        )
    return text.lower()


def parse_speaker_names(text: str, place: str = "--speaker-names") -> tuple[tuple[str, str], ...]:
    """Speakers' ids and names, such as `S1=Ada,S2=Grace`; an empty name takes one away. Raises `UsageError`."""
    names: dict[str, str] = {}
    for pair in text.split(","):
        id, equals, name = pair.partition("=")
        id, name = id.strip().upper(), " ".join(name.split())
        if not equals or not re.fullmatch(r"S[1-9][0-9]{0,2}", id):
            raise UsageError(f"{place} {pair}: not a speaker and a name", hint="give pairs such as S1=Ada,S2=Grace")
        if len(name) > LONGEST_NAME or not name.isprintable():
            raise UsageError(f"{place} {pair}: a name has at most {LONGEST_NAME} printable characters")
        names[id] = name
    return tuple(names.items())


def parse_classes(text: str, place: str = "--classes") -> tuple[int, ...]:
    """Return the class numbers from a list of numbers or COCO labels with commas. Raises `UsageError`."""
    from framefleet.models import coco_labels

    labels = {label: number for number, label in enumerate(coco_labels())}
    numbers = []
    for part in (p.strip() for p in text.split(",")):
        if not part.isdecimal() and part not in labels:
            raise UsageError(f"{place} {part}: neither a class number nor a COCO label such as person or bus")
        numbers.append(int(part) if part.isdecimal() else labels[part])
    return tuple(numbers)


def parse_time(text: str, place: str) -> float:
    """Return the seconds of a time such as 12.5, 1:02.5 or 1:02:03. Raises `UsageError`."""
    time_s = seconds_of(text)
    if time_s is None or not 0 <= time_s <= 1e7:
        raise UsageError(f"{place} {text}: not a time", hint="write it as 12.5, 1:02.5 or 1:02:03")
    return time_s


def parse_words(text: str, place: str = "--words") -> tuple[str, ...] | None:
    """Return the words from a list with commas; None for an empty one. Raises `UsageError` for too many or too long."""
    words = tuple(dict.fromkeys(" ".join(part.split()) for part in text.split(",") if part.strip()))
    if len(words) > MOST_WORDS or any(len(word) > LONGEST_WORD or not word.isprintable() for word in words):
        limits = f"at most {MOST_WORDS} words of {LONGEST_WORD} printable characters"
        raise UsageError(f"{place}: too many words, or one that is too long", hint=f"give {limits}, between commas")
    return words or None


_KINDS: dict[str, Any] = {n: k for n, k in get_type_hints(Options, include_extras=True).items() if n != "own"}
_PARSERS: dict[str, Callable[[str, str], Any]] = {
    "audio_track": parse_audio_track,
    "classes": parse_classes,
    "from_s": parse_time,
    "to_s": parse_time,
    "speaker_names": parse_speaker_names,
    "stages": parse_stages,
    "words": parse_words,
}
_NEGATIVES = {
    f"no_{name}": name for name in _KINDS if getattr(Options(), name) is True or name == "speakers"
}  # as the flags are spelt
_SETTINGS_OF_OPTIONS = (*_KINDS, *_NEGATIVES)


def settings_there_are() -> tuple[str, ...]:
    """Return the names of all settings that the environment may have."""
    endpoints = (f"{kind}_endpoint" for kind in endpoint_kinds())
    return (*_SETTINGS_OF_OPTIONS, *own_settings(), *endpoints, "whisper_api", "whisper_api_key")


def load_fleet(*, environ: Mapping[str, str] | None = None, folder: Path = Path()) -> Fleet:
    """Return endpoints from the environment or framefleet.toml; the key and the base URL from the environment alone.

    Raises `UsageError` if the base URL would send the key unencrypted.
    """
    environ = os.environ if environ is None else environ
    refuse_unknown(environ, settings_there_are())
    kinds = endpoint_kinds()
    listed = from_file(folder).get("endpoints", {})
    if not isinstance(listed, dict):
        raise UsageError(
            f"{folder / CONFIG_FILE}: endpoints: not a table", hint='write [endpoints], and below it yolo = "abc123"'
        )
    for kind in listed:
        if kind not in kinds:
            raise unknown(f"{folder / CONFIG_FILE}: {kind}", kind, "endpoint", kinds)
    endpoints = {kind: environ.get(variable(f"{kind}_endpoint")) or listed.get(kind) for kind in kinds}
    return Fleet(
        endpoints={kind: _checked_id(kind, str(value)) for kind, value in endpoints.items() if value},
        api_key=_checked_key(environ, "RUNPOD_API_KEY"),
        base_url=_checked_url(environ, "RUNPOD_ENDPOINT_BASE_URL", RUNPOD_BASE_URL),
        manage_url=_checked_url(environ, "RUNPOD_API_BASE_URL", RUNPOD_MANAGE_URL),
        whisper_api=_checked_url(environ, WHISPER_API, "") if environ.get(WHISPER_API) else None,
        whisper_api_key=_checked_key(environ, f"{WHISPER_API}_KEY"),
    )


def _checked_id(kind: str, id: str) -> str:
    """Return the id, if it is a plain name: it becomes part of a URL that the key is sent to."""
    if not re.fullmatch(r"[\w-]+", id, re.ASCII):
        raise UsageError(
            f"{kind} endpoint {id}: not an endpoint's id", hint="use its letters and digits as RunPod shows them"
        )
    return id


def _checked_key(environ: Mapping[str, str], variable: str) -> Secret | None:
    """Return the key, if it is printable ASCII: for any other, the HTTP library's error would quote it."""
    key = environ.get(variable, "").strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UsageError(f"{variable}: has characters that no key has", hint="copy it again")
    return Secret(key) if key else None


def _checked_url(environ: Mapping[str, str], variable: str, default: str) -> str:
    url = environ.get(variable) or default
    try:
        parts = urlsplit(url)
        loopback = parts.hostname in {"127.0.0.1", "localhost", "::1"}
        if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and loopback)):
            return url.rstrip("/")
    except ValueError:
        pass
    raise UsageError(
        f"{variable} {url}: the key would be sent unencrypted", hint="use https (http only on this machine)"
    )
