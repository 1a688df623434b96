"""What every format is: how it is called, what it needs of a document, and the function that writes it."""

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
    """What else a format may want to know.

    `stem` is what the names of files and pictures begin with, `name` what the file or folder is called in the end.
    `video` is the video's file, None where it is not at hand. `pictures` are the sampled pictures as JPEG files, by
    index; None where nobody asked for them. `scores`: confidences also where the format's usual readers want none.
    `words`: single words where a format can show them. `separator` and `decimal` are what stands between cells of text
    files and before the decimals of their numbers.
    """

    stem: str
    name: str
    video: Path | None = None
    pictures: Mapping[int, Path] | None = None
    scores: bool = False
    words: bool = False
    separator: str = ","
    decimal: str = "."


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format by its `name`. What it writes is called as the document, with `ending`.

    `needs` are fields of a document, at least one of which must be there. `write` fills the file, or the folder where
    it is a `folder`, that it is given. `pictures`: it has a place for pictures. `video`: it wants the video's file,
    and this is what becomes of it without; `{fps}` in it is the header's rate.
    `further`: it also holds what further stages found. `spoken`: it is what is said, whose language its name tells.
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
    """The module of that name, which comes with an extra. Raises `SetupError`."""
    try:
        return import_module(name)
    except ImportError:
        raise SetupError(f"{name} is not installed", hint=with_extra("export")) from None
