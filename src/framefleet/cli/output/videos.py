"""The progress of several videos at once: on a terminal a bar per video and one for all, elsewhere lines."""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from framefleet.cli.output.bars import Bars
from framefleet.cli.output.format import clean
from framefleet.executors.base import VideoOutcome
from framefleet.progress import Event, ItemDone, ItemFailed, Notice, StageDone, StageStarted

_VIDEO = "{desc:<24} {percentage:3.0f}%|{bar}| [{elapsed}<{remaining}]"
_ALL = "{desc:<24} {percentage:3.0f}%|{bar}| {n}/{total} videos [{elapsed}<{remaining}]"
_DESC = 24
_WHOLE = 100.0


class VideoProgress:
    """The listener of several analyses at once. `lines` makes the listener that prints lines about one video.

    A notice that several videos have word for word, such as which model is used, is printed once.
    """

    def __init__(self, videos: Sequence[Path], lines: Callable[[str], Bars], *, verbose: bool = False) -> None:
        self._names = names_of_lines(videos)
        self._make = lines
        self._terminal = sys.stderr.isatty()
        self._talks = verbose or not self._terminal
        self._lines: dict[Path, Bars] = {}
        self._running: dict[Path, _Running] = {}
        self._notices: set[str] = set()
        self._lock = threading.RLock()
        self._all = _bar(0, "all", len(videos), _ALL) if self._terminal else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._lock:
            for bar in [*(one.bar for one in self._running.values()), self._all]:
                if bar is not None:
                    bar.close()

    def __call__(self, event: Event) -> None:
        video = event.video
        if video is None:
            return
        with self._lock:
            if isinstance(event, Notice):
                if event.text in self._notices:
                    return
                self._notices.add(event.text)
            if self._talks or isinstance(event, Notice | ItemFailed):
                self._lines.setdefault(video, self._make(self._names.get(video, video.name)))(event)
            if self._terminal:
                self._move(video, event)

    def finished(self, outcome: VideoOutcome) -> None:
        """Print the row of a finished video, and take its bar away."""
        video = outcome.task.video
        with self._lock:
            self._lines.pop(video, None)
            if (running := self._running.pop(video, None)) is not None:
                running.bar.close()
            if self._all is not None:
                self._all.update(1)
            tqdm.write(clean(f"{self._names.get(video, video.name)}: {ending(outcome)}"), file=sys.stdout)
            sys.stdout.flush()

    def _move(self, video: Path, event: Event) -> None:
        running = self._running.get(video)
        if running is None:
            used = {one.place for one in self._running.values()}
            place = next(n for n in range(1, len(used) + 2) if n not in used)
            running = _Running(place, _bar(place, self._names.get(video, video.name), _WHOLE, _VIDEO))
            self._running[video] = running
        running.count(event)


class _Running:
    """The bar of a video that is being analyzed, whose stages count alike."""

    def __init__(self, place: int, bar: Any) -> None:
        self.place = place
        self.bar = bar
        self._stages: dict[str, list[float]] = {}  # units done, and of how many

    def count(self, event: Event) -> None:
        match event:
            case StageStarted():
                self._stages[event.stage] = [event.known, event.known + event.units]
            case ItemDone() | ItemFailed() if event.stage in self._stages:
                self._stages[event.stage][0] += event.units
            case StageDone() if event.stage in self._stages:
                self._stages[event.stage][0] = self._stages[event.stage][1]
        shares = [min(1.0, done / units) if units else 1.0 for done, units in self._stages.values()]
        share = _WHOLE * sum(shares) / len(shares) if shares else 0.0
        self.bar.update(max(0.0, share - self.bar.n))  # a stage that starts late does not move it back


def _bar(place: int, name: str, total: float, form: str) -> Any:
    short = name if len(name) <= _DESC else f"{name[: _DESC - 1]}…"
    return tqdm(total=total, desc=clean(short), position=place, leave=False, dynamic_ncols=True, bar_format=form)


def ending(outcome: VideoOutcome) -> str:
    """Return how a video ended, in one line."""
    took = f"{outcome.seconds:.1f} s, ${outcome.usd:.4f}"
    match outcome.row.status:
        case "failed":
            how = "cancelled" if outcome.cancelled else "failed"
            return f"{how} after {took}" if outcome.seconds else "not started"
        case "part":
            return f"done in part, {took}; {outcome.part}; {outcome.path}"
        case _:
            return f"done, {took}; {outcome.path}"


def names_of_lines(videos: Sequence[Path]) -> dict[Path, str]:
    """Return what lines call each video: its file name, or the path if another video has the same."""
    names = Counter(video.name for video in videos)
    return {video: video.name if names[video.name] == 1 else str(video) for video in videos}
