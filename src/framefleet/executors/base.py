"""The seam between many videos and what analyzes them, which `tests/contracts/` checks for each executor."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from framefleet.cancel import CancelScope
from framefleet.config.options import Options
from framefleet.errors import BudgetError, CancelledError, FrameFleetError, describe
from framefleet.logs import logger
from framefleet.progress import Listener
from framefleet.results.assemble.document import as_text
from framefleet.schema.codec import read_document
from framefleet.schema.corpus import VideoRow
from framefleet.schema.document import Document
from framefleet.timebase import Seconds

log = logger(__name__)

WATCH_S = 0.2  # how often a wait is interrupted to let Ctrl-C through, which some platforms need


@dataclass(frozen=True, slots=True)
class Task:
    """A video to analyze. It is small and can be pickled: paths and options, but no frames, models or journals.

    `name` is that of the results, which no other task of the command has. `taken` is the message about the usual name
    if another video's document has it.
    """

    video: Path
    options: Options
    name: str
    taken: str | None = None


@dataclass(frozen=True, slots=True)
class VideoOutcome:
    """How the analysis of a video ended: with the document at `path`, or with an error.

    `part` says what of its work failed; None if nothing did. `document` is there if it was made in this process.
    """

    task: Task
    seconds: Seconds = 0.0
    usd: float = 0.0
    path: Path | None = None
    part: str | None = None
    error: FrameFleetError | None = None
    document: Document | None = field(default=None, compare=False, repr=False)

    @property
    def result(self) -> Document | FrameFleetError:
        """The document or the error. The document of another process is read."""
        if self.error is not None:
            return self.error
        assert self.path is not None
        try:
            return self.document if self.document is not None else read_document(self.path)
        except FrameFleetError as error:
            return error

    @property
    def cancelled(self) -> bool:
        """Whether it ended because all were cancelled, so that it says nothing about the video."""
        return isinstance(self.error, CancelledError)

    @property
    def row(self) -> VideoRow:
        """The video's row in `corpus.json`."""
        return VideoRow(
            video=as_text(self.task.video),
            status="failed" if self.error is not None else "done" if self.part is None else "part",
            document=None if self.path is None else str(self.path),
            usd=round(self.usd, 6),
            seconds=round(self.seconds, 3),
            error=self.part if self.error is None else describe(self.error),
        )

    @property
    def exit_code(self) -> int:
        """What a command ends with that has this outcome alone."""
        return self.error.exit_code if self.error is not None else 0 if self.part is None else 3


Worker = Callable[[Task, Listener, CancelScope], VideoOutcome]
"""Analyzes a video. It raises nothing: an error is an outcome."""

OpenWorker = Callable[[], AbstractContextManager[Worker]]
"""Opens a worker in the process that calls it, and closes it in the end. It can be pickled."""


class Work(Protocol):
    """What executors do with tasks, in this process or in others."""

    def __call__(self, task: Task, listener: Listener, scope: CancelScope) -> VideoOutcome:
        """Analyze the video in this process, as a `Worker` does."""

    def elsewhere(self, workers: int, *, cores: int | None = None) -> OpenWorker:
        """Return how to open a worker in another process: one of so many that divide the endpoints' limits.

        `cores` are those it decodes on (None: its share of this machine's).
        """

    def lent(
        self, task: Task, workers: int, scope: CancelScope, analyze: Callable[[Task], VideoOutcome]
    ) -> VideoOutcome:
        """Return the outcome of `analyze`, which hands the task to one of so many workers in other processes.

        The task is lent a part of the budget, and what it does not spend is given back.
        """


Outcomes = Generator[VideoOutcome, None, None]


class Pending:
    """The tasks that no executor has begun with yet; safe for many threads.

    After an error that the other videos would end with too, such as a wrong key, and after `scope` is cancelled, no
    further one is given out.
    """

    def __init__(self, tasks: Iterable[Task], scope: CancelScope) -> None:
        self._left = deque(tasks)
        self._scope = scope
        self._reason: FrameFleetError | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._left)

    def __iter__(self) -> Iterator[Task]:
        return iter(tuple(self._left))

    def take(self) -> Task | None:
        """Return the next task; None if there is none to begin with."""
        with self._lock:
            over = not self._left or self._reason is not None or self._scope.cancelled
            return None if over else self._left.popleft()

    def ended(self, outcome: VideoOutcome) -> VideoOutcome:
        """Return the outcome, after noting whether it keeps further tasks from being begun."""
        error = outcome.error
        if error is not None and error.ends_run and not isinstance(error, BudgetError):  # a cheaper one may still fit
            self._reason = self._reason or error
        return outcome

    def never_begun(self) -> Iterator[VideoOutcome]:
        """Yield the outcomes of the tasks that are left, with the reason."""
        why = self._reason or self._scope.error or FrameFleetError("the executor ended early")
        while self._left:
            yield VideoOutcome(self._left.popleft(), error=_not_started(why))


class Executor(Protocol):
    """A way to analyze several videos at the same time."""

    def run(self, pending: Pending, work: Work, listener: Listener, scope: CancelScope) -> Outcomes:
        """Yield an outcome for each task that it takes from `pending`, in the order of completion.

        A task is taken when there is a place for it, and the next one only after `pending` knows how the last one in
        that place ended. A video that fails is an outcome; if the process that analyzes it is killed, it is tried once
        more. Once `scope` is cancelled all outcomes are there within 20 s. Closing the iterator cancels the scope.
        """


def all_outcomes(
    tasks: Iterable[Task], executor: Executor, work: Work, listener: Listener, scope: CancelScope
) -> Outcomes:
    """Yield one outcome per task, in the order of completion; those that were never begun come last."""
    pending = Pending(tasks, scope)
    with closing(executor.run(pending, work, listener, scope)) as outcomes:
        yield from outcomes
    yield from pending.never_begun()


def _not_started(why: FrameFleetError) -> FrameFleetError:
    """Return the error of a video that another one's error, or a cancellation, kept from starting."""
    if isinstance(why, CancelledError):
        return type(why)(f"not started: {why.message}")
    error = FrameFleetError(f"not started: {why.message}", hint=why.hint, code="not_started")
    error.exit_code = why.exit_code
    return error


def as_error(error: Exception) -> FrameFleetError:
    """Return the error as one of ours: a fault of this program in one video must not lose the others."""
    if isinstance(error, FrameFleetError):
        return error
    log.warning("a video is given up", exc_info=error)
    return FrameFleetError(describe(error), code="fault")
