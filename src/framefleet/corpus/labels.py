"""Labels that a person writes, and the everyday topics that are their rivals."""

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from framefleet.errors import InputError

_EXAMPLE = '[[label]] name = "cooking", description = "recipes and kitchens", examples = ["how to boil an egg"]'


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A label with a line that says what belongs to it, and example texts as they may occur in a video."""

    name: str
    description: str = ""
    examples: list[str] = []

    @property
    def texts(self) -> list[str]:
        """All that stands for it: name and description, together and alone, and the examples.

        The name alone, and so the description, keep many examples from outweighing what the label means: of texts
        two sets measured, 0.85 and 0.90 find their label, and 0.83 and 0.81 without.
        """
        about = [f"{self.name}: {self.description}", self.name, self.description] if self.description else [self.name]
        return [*about, *(example for example in self.examples if example.strip())]


def read_labels(path: Path) -> list[Label]:
    """Return the labels of a TOML file, `[[label]]` each. Raises `InputError` with what is wrong."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", hint="give a TOML file of labels") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not TOML ({error})", hint=f"write labels such as {_EXAMPLE}") from None
    labels = _labels(content, "label", str(path))
    names = [label.name for label in labels]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"{path}: two labels are named {twice}", hint="name each once, with all examples")
    return labels


def topics() -> list[Label]:
    """Return the everyday topics: a text that is nearer to one of them than to any label is none of them."""
    text = files(__package__).joinpath("topics.toml").read_text(encoding="utf-8")
    return _labels(tomllib.loads(text), "topic", "topics.toml")


def _labels(content: dict[str, Any], key: str, where: str) -> list[Label]:
    try:
        found: Sequence[Label] = msgspec.convert(content.get(key, []), list[Label])
    except msgspec.ValidationError as error:
        raise InputError(f"{where}: {error}", hint=f"write labels such as {_EXAMPLE}") from None
    if unknown := set(content) - {key}:
        raise InputError(f"{where}: unknown {min(unknown)}", hint=f"write labels such as {_EXAMPLE}")
    if not found or any(not label.name.strip() for label in found):
        raise InputError(f"{where}: no {key} with a name in it", hint=f"write labels such as {_EXAMPLE}")
    return list(found)
