"""Progress listeners for a terminal: a bar per stage, or a line per request."""

import sys
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from framefleet.cli.output.format import NOUN, clean, counted
from framefleet.progress import (
    Event,
    ItemDone,
    ItemFailed,
    Notice,
    StageDone,
    StageStarted,
)

_BAR = "{desc:<8} {percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f}{unit} [{elapsed}<{remaining}, {rate_fmt}]"


class Bars:
    """A progress bar with rate and time left for each stage; `verbose` adds a line per answered request.

    If standard error is not a terminal there are no bars, but a line when a stage starts and one when it is done. Each
    distinct error is printed once per stage; the summary counts them. `video` prefixes each line if there are several.
    """

    def __init__(self, *, verbose: bool = False, video: str | None = None) -> None:
        self._verbose = verbose
        self._prefix = f"{video}: " if video else ""
        self._terminal = sys.stderr.isatty()
        self._bars: dict[str, Any] = {}
        self._stages: dict[str, StageStarted] = {}
        self._told: set[tuple[str, str]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for bar in self._bars.values():
            bar.close()

    def __call__(self, event: Event) -> None:
        match event:
            case StageStarted():
                self._start(event)
            case ItemDone():
                self._advance(event.stage, event.units)
                if self._verbose:
                    self._write(self._line(event))
            case ItemFailed():
                self._advance(event.stage, event.units)
                self._tell(event)
            case StageDone():
                self._end(event.stage)
            case Notice():
                self._write(event.text)

    def _start(self, event: StageStarted) -> None:
        self._stages[event.stage] = event
        if event.known:
            self._write(f"{event.stage}: {event.known:g} {event.unit} already answered by an earlier run")
        if event.total and not self._terminal:
            self._write(
                f"{event.stage}: {event.units:g} {event.unit} in {counted(event.total, 'request')}, {event.backend}"
            )
        self._bars[event.stage] = tqdm(
            total=round(event.known + event.units, 1),
            initial=round(event.known, 1),
            desc=event.stage,
            unit=f" {event.unit}",
            position=len(self._bars),
            disable=not self._terminal,
            dynamic_ncols=True,
            bar_format=_BAR,
        )

    def _advance(self, stage: str, units: float) -> None:
        if stage in self._bars:
            self._bars[stage].update(units)

    def _end(self, stage: str) -> None:
        """Fill the bar of a finished stage, also if the sound was shorter than its header said."""
        bar = self._bars[stage]
        bar.update(bar.total - bar.n)
        if not self._terminal:
            self._write(f"{stage}: done")

    def _line(self, event: ItemDone) -> str:
        stage = self._stages[event.stage]
        rate = event.units / event.seconds if event.seconds else 0
        return (
            f"{NOUN[stage.unit]} {event.number + 1}/{stage.total}: {event.units:.5g} {stage.unit}, "
            f"{event.seconds:.2f} s ({rate:.0f} {stage.unit}/s)"
        )

    def _tell(self, event: ItemFailed) -> None:
        if (event.stage, event.error) not in self._told:
            self._told.add((event.stage, event.error))
            self._write(f"{event.stage}: {event.error.removeprefix(event.stage + ': ')}")

    def _write(self, text: str) -> None:
        tqdm.write(clean(self._prefix + text), file=sys.stderr)  # an error may contain a worker's text


class Lines(Bars):
    """A listener for `--sequential` with lines such as `Frame 7/574: 3 objects (0.030 s)`."""

    def __init__(self, *, video: str | None = None) -> None:
        super().__init__(verbose=True, video=video)
        self._terminal = False

    def _line(self, event: ItemDone) -> str:
        total = self._stages[event.stage].total
        return f"Frame {event.number + 1}/{total}: {counted(event.found, 'object')} ({event.seconds:.3f} s)"
