"""The description of a format: its name, the fields of a document that it needs, and the function that writes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from framefleet.errors import SetupError
from framefleet.install_hints import with_extra
from framefleet.schema.document import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Further inputs and options of a format.

    `stem` is the prefix of file and image names, `name` the final name of the file or folder. `video` is the video
    file, None if it is not available. `pictures` are the sampled frames as JPEG files, by index; None without
    --pictures. `scores` adds confidences even if the format's usual readers expect none. `words` writes single words if
    the format can show them, `speakers` the speaker of each cue of subtitles. `separator` and `decimal` are the cell
    separator and decimal mark of text files.
    """

    stem: str
    name: str
    video: Path | None = None
    pictures: Mapping[int, Path] | None = None
    scores: bool = False
    words: bool = False
    speakers: bool = True
    separator: str = ","
    decimal: str = "."


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """An export format. Its output is named after the document, with `ending`.

    `needs` are fields of a document, at least one of which must be known. `write` fills the file or, with `folder`, the
    folder that it is given. `pictures`: the format can include images. `video`: it uses the video file, and this text
    says what happens without it; `{fps}` in it is the header's rate. `further`: it includes the results of further
    stages. `spoken`: it holds speech, and its file name contains the language.
    """

    name: str
    ending: str
    about: str
    needs: tuple[str, ...]
    write: Callable[[Document, Context, Path], None]
    folder: bool = False
    pictures: bool = False
    video: str | None = None
    further: bool = False
    spoken: bool = False


def library(name: str) -> Any:
    """Import a module of the `export` extra. Raises `SetupError` if it is not installed."""
    try:
        return import_module(name)
    except ImportError:
        raise SetupError(f"{name} is not installed", hint=with_extra("export")) from None
