"""The checks of a worker's answer. Pure.

A box that crosses the frame's edge is clipped, and a number that leaves its range by a rounding error is clamped. What
was not requested or lies outside the frame is dropped. Anything else is not an answer (`BadReplyError`), and its
request is sent again.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from msgspec.structs import replace

from framefleet.errors import BadReplyError
from framefleet.protocol.ast import HeardClass
from framefleet.protocol.envelope import Box
from framefleet.protocol.ocr import Point, Quad, TextLine
from framefleet.protocol.yolo import YoloObject

ROUNDING = 0.002  # for numbers from 0 to 1: twice the rounding error of half precision with its 11 bits
FARTHEST = 65_535.0  # pixels: no frame's side is longer (`Side`), so no box is farther from its edges
CLASSES = 1_000_000  # no model has so many: ImageNet's largest has 21,841
LABEL = 1_000  # characters of a label or a model's name
TEXT = 10_000  # characters of a line of text in a frame, a word or an error
LINES = 3_000  # of text in a frame: the same as the maximum of objects in a request

Thing = TypeVar("Thing")


class Expected(NamedTuple):
    """The limits for a frame: boxes within `width` × `height`, at most `most`, of these `classes` (None: any).

    The defaults are the maxima that a request allows.
    """

    width: float = FARTHEST
    height: float = FARTHEST
    most: int = 3_000
    classes: frozenset[int] | None = None


def objects(found: Sequence[YoloObject], asked: Expected) -> list[YoloObject]:
    """Return the objects of a frame with their boxes clipped to it. Objects of other classes, those outside the frame,
    and the least confident of too many are dropped.

    Raises `BadReplyError` for a box that is inverted, not finite or beyond any frame, a confidence outside 0 to 1, an
    impossible class number and a label that is too long.
    """
    wanted = found if asked.classes is None else [thing for thing in found if thing.class_id in asked.classes]
    if len(wanted) > asked.most:
        sure = sorted(range(len(wanted)), key=lambda place: _sureness(wanted[place].confidence), reverse=True)
        wanted = [wanted[place] for place in sorted(sure[: asked.most])]
    return [thing for thing in (_object(thing, asked) for thing in wanted) if thing is not None]


def lines(found: Sequence[TextLine], asked: Expected) -> list[TextLine]:
    """Return the lines of text in a frame, with boxes and corners clipped to it.

    Raises `BadReplyError` as `objects` does, and for too many or too long lines.
    """
    if len(found) > LINES:
        raise BadReplyError(f"the worker returned {len(found)} lines of text for one frame")
    return [line for line in (_line(line, asked) for line in found) if line is not None]


def classes(found: Sequence[HeardClass], most: int) -> list[HeardClass]:
    """Return the classes heard in a slice, at most the `most` likely.

    Raises `BadReplyError` for a score outside 0 to 1, an impossible class number and a label that is too long.
    """
    likely = sorted(found, key=lambda one: _sureness(one.score), reverse=True)[:most] if len(found) > most else found
    return [_heard(one) for one in likely]


def unit(value: float, what: str) -> float:
    """Return the value clamped to 0 to 1. Raises `BadReplyError` if it is NaN or off by more than a rounding error."""
    if not -ROUNDING <= value <= 1 + ROUNDING:
        raise BadReplyError(f"the worker returned a {what} of {value:g}, which is not from 0 to 1")
    return min(max(value, 0.0), 1.0)


def short(text: str, longest: int, what: str) -> str:
    """Return the text. Raises `BadReplyError` if it has more than `longest` characters."""
    if len(text) > longest:
        raise BadReplyError(f"the worker returned a {what} of {len(text)} characters")
    return text


def named(reply: Any) -> None:
    """Raise `BadReplyError` if the reply's name of a model or device is too long."""
    for what in ("model", "model_id", "device", "gpu"):
        short(getattr(reply, what) or "", LABEL, f"name for its {what}")


def believed(pieces: Iterable[Thing], check: Callable[[Thing], Thing]) -> list[Thing]:
    """Return the pieces that pass the check; the others count as unanswered. Raises the first error if none passes."""
    good, trouble = [], None
    for piece in pieces:
        try:
            good.append(check(piece))
        except BadReplyError as error:
            trouble = trouble or error
    if trouble is not None and not good:
        raise trouble
    return good


def sound(pieces: Sequence[Thing], check: Callable[[Sequence[Thing]], list[Thing]]) -> list[Thing]:
    """Return the pieces of a saved answer that pass: it may be older than some of the checks."""
    try:
        return check(pieces)
    except BadReplyError:
        return check([piece for piece in pieces if _passes(piece, check)])


def _passes(piece: Thing, check: Callable[[Sequence[Thing]], list[Thing]]) -> bool:
    try:
        check([piece])
    except BadReplyError:
        return False
    return True


def _sureness(value: float) -> float:
    """Return a sort key that is defined for NaN too: invalid values sort first and are then refused."""
    return value if value == value else 2.0


def _object(thing: YoloObject, asked: Expected) -> YoloObject | None:
    box, confidence = _box(thing.box, asked), unit(thing.confidence, "confidence")
    _class(thing.class_id, thing.label)
    if box is None:
        return None
    same = box == thing.box and confidence == thing.confidence
    return thing if same else replace(thing, box=box, confidence=confidence)


def _line(line: TextLine, asked: Expected) -> TextLine | None:
    short(line.text, TEXT, "line of text")
    box, confidence = _box(line.box, asked), unit(line.confidence, "confidence")
    quad = None if line.quad is None else _quad(line.quad, asked)
    if box is None:
        return None
    same = (box, confidence, quad) == (line.box, line.confidence, line.quad)
    return line if same else replace(line, box=box, confidence=confidence, quad=quad)


def _heard(one: HeardClass) -> HeardClass:
    score = unit(one.score, "score")
    _class(one.class_id, one.label)
    return one if score == one.score else replace(one, score=score)


def _class(number: int, label: str) -> None:
    if not 0 <= number < CLASSES:
        raise BadReplyError(f"the worker returned class {number}, which no model has")
    short(label, LABEL, "label")


def _box(box: Box, asked: Expected) -> Box | None:
    """Return the box, clipped to the frame; None if it lies outside."""
    x1, y1, x2, y2 = box
    # written as `not` of the valid case, so that NaN does not pass
    if not (-FARTHEST <= x1 <= x2 <= 2 * FARTHEST and -FARTHEST <= y1 <= y2 <= 2 * FARTHEST):
        raise BadReplyError(f"the worker returned a box with the corners {_told(box)}")
    if x2 < 0 or y2 < 0 or x1 > asked.width or y1 > asked.height:
        return None
    return (*_within(x1, y1, asked), *_within(x2, y2, asked))


def _quad(quad: Quad, asked: Expected) -> Quad:
    if not all(-FARTHEST <= number <= 2 * FARTHEST for corner in quad for number in corner):
        raise BadReplyError(f"the worker returned a line of text with the corners {_told(n for c in quad for n in c)}")
    one, two, three, four = (_within(x, y, asked) for x, y in quad)
    return one, two, three, four


def _within(x: float, y: float, asked: Expected) -> Point:
    return min(max(x, 0.0), float(asked.width)), min(max(y, 0.0), float(asked.height))


def _told(numbers: Iterable[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)
