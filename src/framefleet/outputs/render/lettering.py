"""Text as image patches in OpenCV's built-in font: Latin, Cyrillic, Greek, Chinese, Japanese, Korean.

OpenCV neither joins letters nor writes from right to left. Text that it cannot render correctly is not drawn:
subtitles in Arabic or Hindi become a subtitle track, which players render, and labels in these scripts a number.
"""

import unicodedata
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from framefleet.errors import SetupError
from framefleet.install_hints import pip
from framefleet.outputs.render.colours import Yuv

Plane = NDArray[np.uint8]

_VARIANTS = {chr(code) for code in range(0xFE00, 0xFE10)}  # variants of the character before, such as in colour
_ROOM = (16384, 256)
_WEIGHT = 500  # of 100 to 900: a little bold, since video blurs


class Patch(NamedTuple):
    """A rectangle of pixels with even sides: luma in full, chroma in half the resolution."""

    y: Plane
    u: Plane
    v: Plane


@lru_cache(maxsize=1024)
def patch(text: str, size: int, ink: Yuv, plate: Yuv) -> Patch:
    """Return `text` on a plate with a margin; capitals are about 0.7 `size` pixels high."""
    mask = letters(text, size).astype(np.int16)
    luma = plate.y + (ink.y - plate.y) * mask // 255
    half = mask[::2, ::2]
    chroma = [paper + (colour - paper) * half // 255 for colour, paper in ((ink.u, plate.u), (ink.v, plate.v))]
    return Patch(luma.astype(np.uint8), chroma[0].astype(np.uint8), chroma[1].astype(np.uint8))


@lru_cache(maxsize=256)
def letters(text: str, size: int) -> Plane:
    """Return the ink of `text`, 0 to 255, shape (height, width), both even, with a margin around the text."""
    margin = max(2, size // 4)
    _, _, width, _ = _cv2().getTextSize(_ROOM, text, (0, 0), _face(), size, _WEIGHT)
    height = size + size // 2
    mask = np.zeros((_even(height), _even(width + 2 * margin)), np.uint8)
    _cv2().putText(mask, text, (margin, round(1.12 * size)), 255, _face(), size, _WEIGHT)
    return mask


def legible(text: str) -> str | None:
    """Return `text` without symbols that cannot be drawn; None if letters cannot be."""
    kept = []
    for letter in _seen(text):
        if _can_be_drawn(letter):
            kept.append(letter)
        elif unicodedata.category(letter)[0] in "LMN":
            return None
    return " ".join("".join(kept).split())


def is_whole(text: str) -> bool:
    """Return whether all visible characters of `text` can be drawn."""
    return all(letter.isspace() or _can_be_drawn(letter) for letter in _seen(text))


def _seen(text: str) -> str:
    """Return the visible characters, letters composed with their accents if possible."""
    composed = unicodedata.normalize("NFC", text)
    seen = (letter for letter in composed if unicodedata.category(letter)[0] != "C" or letter.isspace())
    return "".join(letter for letter in seen if letter not in _VARIANTS)


@cache
def _can_be_drawn(letter: str) -> bool:
    if letter in " ?":
        return True
    if unicodedata.bidirectional(letter) in {"R", "AL", "AN"} or not letter.isprintable():
        return False
    drawn = letters(letter, 32)
    return bool(drawn.any()) and not np.array_equal(drawn, letters("?", 32))


def _even(number: int) -> int:
    return number + number % 2


@cache
def _face() -> Any:
    return _cv2().FontFace("sans")


@cache
def _cv2() -> Any:
    """Return OpenCV. Raises `SetupError` if its version has no built-in font."""
    import cv2

    if not hasattr(cv2, "FontFace"):
        raise SetupError(f"OpenCV {cv2.__version__} has no built-in font", hint=pip("opencv-python-headless>=5"))
    return cv2
