"""The detection pass over every frame, before any frame is written, with the finders that stages offer."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

from av.video.frame import VideoFrame

from framefleet.errors import InputError, UsageError
from framefleet.media.video.sequential import events
from framefleet.outputs.redaction.options import FACE, RedactOptions
from framefleet.outputs.redaction.sightings import Looks, agree
from framefleet.outputs.render.converter import Upright
from framefleet.outputs.render.reader import Shots
from framefleet.stages.finding import Finder, FinderRequest, Pixels
from framefleet.stages.registry import SPECS

_AT_ONCE = 4  # the minimum number of sampled frames in one batch


def open_finders(
    look: RedactOptions, labels: Sequence[str], width: int, height: int, tell: Callable[[str], object] = print
) -> list[Finder]:
    """Load the finders of faces, if they are to be hidden, and of `labels`, in upright `width` × `height` frames.

    Where two stages find one label, both look: what either finds is hidden. Raises `UsageError` for a label that no
    stage here can find, and `SetupError` where a model is missing. What is downloaded first is said to `tell`.
    """
    finders = [spec.finder for spec in SPECS.values() if spec.finder is not None]
    offers = [(finder, list(finder.labels(look.models))) for finder in finders]
    known = [label for _, of_one in offers for label in of_one]
    wanted = [*labels, *([FACE] if look.faces else [])]
    unknown = [label for label in wanted if label not in known]
    if unknown:
        others = dict.fromkeys(label for label in known if label != FACE)
        raise UsageError(
            f"--blur {'faces' if unknown[0] == FACE else unknown[0]}: no local model detects it",
            hint=f"choose from {', '.join([*(['faces'] if FACE in known else []), *others])}",
            code="unknown_label",
        )
    found = [(finder, [label for label in wanted if label in of_one]) for finder, of_one in offers]
    return [
        finder.load(
            FinderRequest(
                labels=of_it, width=width, height=height, long_side=look.long_side, options=look.models, tell=tell
            )
        )
        for finder, of_it in found
        if of_it
    ]


class StrictShots(Shots):
    """Every frame, or an `InputError`: a frame that is not decoded here may still be shown by a player."""

    def _shown(self, container: object) -> Iterator[tuple[Fraction, VideoFrame]]:
        begun = False
        for time, frame in events(self._media, self.stream, self._steps(container), self._end_lost):  # type: ignore[arg-type]
            if not isinstance(frame, VideoFrame):
                if begun and self.start <= time and (self.length is None or time < self.start + self.length):
                    raise self._lost_at(time, frame)
                continue
            if not begun and time > self.start:
                raise self._lost_at(self.start, "no frame before the first keyframe can be decoded")
            begun = True
            yield time, frame

    def _end_lost(self, time: Fraction, why: str) -> None:
        if self.length is None or time < self.start + self.length:
            raise self._lost_at(time, why)

    def _lost_at(self, time: Fraction, why: str) -> InputError:
        return InputError(
            f"{self._media.path}: at {float(time):.3f} s a frame cannot be decoded ({why}), so nothing was written",
            hint="leave that part out with --from and --to, or repair the file first",
            code="frame_lost",
        )


def look_through(
    shots: Shots,
    upright: Upright,
    finders: Sequence[Finder],
    every: int,
    reached: Callable[[Fraction], None] = lambda _: None,
) -> Looks:
    """Detect in every `every`-th frame, the first and the last, and in all frames between two that do not agree."""
    looking = _Looking(finders, every)
    still = False
    for time, frame in shots:
        reached(time)
        if still:  # the last frame again, until the sound ends
            looking.again(time)
            continue
        still = shots.repeats
        looking.see(time, upright.of(frame, again=True), last=still)
    return looking.finish()


class _Looking:
    """Frames that wait until there are enough for a batch, and the detections so far."""

    def __init__(self, finders: Sequence[Finder], every: int) -> None:
        self._finders, self._every = finders, every
        self._frames = Looks([], [])
        self._waiting: list[tuple[int, list[Pixels]]] = []  # after the last frame with detections
        self._since = every  # frames since the last sampled one
        self._sampled: list[int] = []
        self._last_look: int | None = None

    def see(self, time: Fraction, frame: VideoFrame, *, last: bool) -> None:
        number = self._add(time)
        self._waiting.append((number, [finder.prepare(frame) for finder in self._finders]))
        if last or self._since == self._every:
            self._sampled.append(number)
            self._since = 0
        self._since += 1
        if len(self._sampled) >= _AT_ONCE:
            self._look()

    def again(self, time: Fraction) -> None:
        if self._waiting:
            self._look()
        found = self._frames.found[-1]
        self._frames.found[self._add(time)] = found

    def finish(self) -> Looks:
        if self._waiting and self._waiting[-1][0] not in self._sampled:
            self._sampled.append(self._waiting[-1][0])
        self._look()
        return self._frames

    def _add(self, time: Fraction) -> int:
        self._frames.times.append(float(time))
        self._frames.found.append(None)
        return len(self._frames.times) - 1

    def _look(self) -> None:
        """Detect in the sampled frames, then in those between two samples that do not agree."""
        if not self._sampled:
            return
        self._find(self._sampled)
        looks = [number for number in (self._last_look, *self._sampled) if number is not None]
        doubtful: list[int] = []
        for before, after in pairwise(looks):
            if not agree(self._frames.found[before] or [], self._frames.found[after] or []):
                doubtful += range(before + 1, after)
        self._find(doubtful)
        self._last_look = looks[-1]
        self._waiting = [one for one in self._waiting if one[0] > self._last_look]
        self._sampled = []

    def _find(self, numbers: Sequence[int]) -> None:
        if not numbers:
            return
        wanted = set(numbers)
        kept = [one for one in self._waiting if one[0] in wanted]
        answers = [finder.find([pixels[place] for _, pixels in kept]) for place, finder in enumerate(self._finders)]
        for (number, _), *found in zip(kept, *answers, strict=True):
            self._frames.found[number] = [one for some in found for one in some]
