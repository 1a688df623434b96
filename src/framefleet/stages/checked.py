"""What may be in a worker's answer. Pure.

A box over the picture's edge is cut there, and a number beyond its range by a rounding brought back; what was not asked
for is left out, as is what lies beside the picture; anything else is no answer (`BadReplyError`), and asked for again.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from msgspec.structs import replace

from framefleet.errors import BadReplyError
from framefleet.protocol.ast import HeardClass
from framefleet.protocol.envelope import Box
from framefleet.protocol.ocr import Point, Quad, TextLine
from framefleet.protocol.yolo import YoloObject

ROUNDING = 0.002  # of a number from 0 to 1: twice what half precision, with its 11 bits, makes of one
FARTHEST = 65_535.0  # pixels: no picture's side is longer, so nothing is farther from one's edges (`Side`)
CLASSES = 1_000_000  # no model tells so many apart: ImageNet's largest has 21,841
LABEL = 1_000  # characters of a label, or a model's name
TEXT = 10_000  # of a line on a picture, a word or an error
LINES = 3_000  # of text in a picture: as many as objects may be asked for

Thing = TypeVar("Thing")


class Expected(NamedTuple):
    """What was asked of a picture: boxes within `width` × `height`, `most` of them, of these `classes` (None: any).

    By default the most that a request allows.
    """

    width: float = FARTHEST
    height: float = FARTHEST
    most: int = 3_000
    classes: frozenset[int] | None = None


def objects(found: Sequence[YoloObject], asked: Expected) -> list[YoloObject]:
    """The objects of a picture. Boxes are cut at its edges, and those not asked for left out: of other classes, beside
    the picture, and of too many the least sure.

    Raises `BadReplyError` for a box that is inverted, not finite or of no picture at all, a confidence that is not from
    0 to 1, a class that no model has and a label that nobody can read.
    """
    wanted = found if asked.classes is None else [thing for thing in found if thing.class_id in asked.classes]
    if len(wanted) > asked.most:
        sure = sorted(range(len(wanted)), key=lambda place: _sureness(wanted[place].confidence), reverse=True)
        wanted = [wanted[place] for place in sorted(sure[: asked.most])]
    return [thing for thing in (_object(thing, asked) for thing in wanted) if thing is not None]


def lines(found: Sequence[TextLine], asked: Expected) -> list[TextLine]:
    """The lines of text in a picture, with boxes and corners cut at its edges.

    Raises `BadReplyError` as `objects` does, and for more lines or longer ones than anybody writes.
    """
    if len(found) > LINES:
        raise BadReplyError(f"the worker read {len(found)} lines in one picture")
    return [line for line in (_line(line, asked) for line in found) if line is not None]


def classes(found: Sequence[HeardClass], most: int) -> list[HeardClass]:
    """The classes heard in a slice, the `most` likely of them.

    Raises `BadReplyError` for a score that is not from 0 to 1, a class that no model has, a label that is none.
    """
    likely = sorted(found, key=lambda one: _sureness(one.score), reverse=True)[:most] if len(found) > most else found
    return [_heard(one) for one in likely]


def unit(value: float, what: str) -> float:
    """The value within 0 to 1. Raises `BadReplyError` where it is beyond that by more than a rounding, or NaN."""
    if not -ROUNDING <= value <= 1 + ROUNDING:
        raise BadReplyError(f"the worker gave a {what} of {value:g}, which is not from 0 to 1")
    return min(max(value, 0.0), 1.0)


def short(text: str, longest: int, what: str) -> str:
    """The text. Raises `BadReplyError` where it is longer than that."""
    if len(text) > longest:
        raise BadReplyError(f"the worker gave a {what} of {len(text)} characters")
    return text


def named(reply: Any) -> None:
    """Raises `BadReplyError` for a reply whose model or device has a name that is none."""
    for what in ("model", "model_id", "device", "gpu"):
        short(getattr(reply, what) or "", LABEL, f"name of its {what}")


def believed(pieces: Iterable[Thing], check: Callable[[Thing], Thing]) -> list[Thing]:
    """The pieces that pass; the others are as if the worker had left them out. Raises what is wrong where none does."""
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
    """Those of a kept answer's pieces that pass: it may be from before its kind was looked at so closely."""
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
    """For an order that NaN does not upset: what is wrong is refused wherever it stands."""
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
        raise BadReplyError(f"the worker found something of class {number}, which no model has")
    short(label, LABEL, "label")


def _box(box: Box, asked: Expected) -> Box | None:
    """The box, cut at the picture's edges; None for one beside it."""
    x1, y1, x2, y2 = box
    # `not` of a chain that holds, so that NaN does not pass
    if not (-FARTHEST <= x1 <= x2 <= 2 * FARTHEST and -FARTHEST <= y1 <= y2 <= 2 * FARTHEST):
        raise BadReplyError(f"the worker gave a box whose corners are {_told(box)}")
    if x2 < 0 or y2 < 0 or x1 > asked.width or y1 > asked.height:
        return None
    return (*_within(x1, y1, asked), *_within(x2, y2, asked))


def _quad(quad: Quad, asked: Expected) -> Quad:
    if not all(-FARTHEST <= number <= 2 * FARTHEST for corner in quad for number in corner):
        raise BadReplyError(f"the worker gave a line of text whose corners are {_told(n for c in quad for n in c)}")
    one, two, three, four = (_within(x, y, asked) for x, y in quad)
    return one, two, three, four


def _within(x: float, y: float, asked: Expected) -> Point:
    return min(max(x, 0.0), float(asked.width)), min(max(y, 0.0), float(asked.height))


def _told(numbers: Iterable[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)
