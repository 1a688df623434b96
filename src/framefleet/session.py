"""The Python API: a `Session` analyzes videos, and `analyze("video.mp4")` opens one for a single video."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, Unpack

from msgspec import structs

from framefleet.analysis import Prepared, execute, prepare, unanswered_plans
from framefleet.cancel import CancelScope
from framefleet.config.arguments import OptionArguments
from framefleet.config.endpoints import Fleet
from framefleet.config.loading import load_fleet, load_options
from framefleet.config.options import Options
from framefleet.errors import CancelledError, FrameFleetError, Interrupted, describe
from framefleet.executors.base import (
    Executor,
    OpenWorker,
    Outcomes,
    Task,
    VideoOutcome,
    Work,
    Worker,
    all_outcomes,
    as_error,
)
from framefleet.executors.planning import executor_named, number_at_once, tasks_of
from framefleet.fleet.backends.runpod.survey import Survey
from framefleet.fleet.execution.jobs import CANCEL_S
from framefleet.logs import logger
from framefleet.pipeline.resources import Resources
from framefleet.progress import Listener, Notice, silent
from framefleet.results.assemble.document import as_text
from framefleet.schema.document import Document
from framefleet.timebase import Seconds

log = logger(__name__)

SURVEY_S = 600.0  # after this time another client may have woken an endpoint


class Session:
    """A session for any number of analyses, with what they share: connections, loaded models, learned concurrency and
    polling times, prices, journals.

    It is safe for many threads. Analyses that run at the same time share one rate limit and one concurrency per
    endpoint, and one budget: `max_cost` limits the cost of all of them together, in dollars, in addition to the
    `max_cost` of each.

    Endpoints and keys are read from the environment and framefleet.toml when the session is created, unless `fleet` is
    given. `cores` is how many cores videos are decoded on (None: all).
    """

    def __init__(self, *, max_cost: float | None = None, fleet: Fleet | None = None, cores: int | None = None) -> None:
        self._fleet = fleet or load_fleet()
        self._resources = Resources(self._fleet, max_cost, cores)
        self._surveys: dict[float | None, tuple[Survey, Seconds]] = {}
        self._scope = CancelScope()
        self._changed = threading.Condition()
        self._running = 0

    def plan(self, video: Path | str, **options: Unpack[OptionArguments]) -> Prepared:
        """Return what `analyze` would do and cost. Nothing is decoded, sent or written."""
        return self.prepare(video, load_options(options))

    def analyze(
        self,
        video: Path | str,
        *,
        on_event: Listener = silent,
        cancel: CancelScope | None = None,
        **options: Unpack[OptionArguments],
    ) -> Document:
        """Analyze a video, and return its document, which is also written to `output_dir`, and added to its library.

        `options` are the fields of `Options` (`fps=1, max_workers=5, batch_size=16, stages=("objects", "speech"), …`);
        others come from the environment, framefleet.toml and the defaults. `on_event` is called from several threads.
        `cancel.cancel()`, from any thread, ends the analysis: answers are saved, running jobs are cancelled, and the
        same call resumes from there. Raises `FrameFleetError`; work without an answer does not raise, but is listed in
        `document.failures`.
        """
        if cancel is not None:
            cancel.check()
        return self.execute(self.prepare(video, load_options(options)), on_event, cancel)

    def analyze_many(
        self,
        videos: Sequence[Path | str],
        *,
        on_event: Listener = silent,
        cancel: CancelScope | None = None,
        at_once: int | Literal["auto"] = "auto",
        engine: Literal["threads", "slots", "ray"] | Executor = "threads",
        **options: Unpack[OptionArguments],
    ) -> Iterator[tuple[str, Document | FrameFleetError]]:
        """Yield each video, as its document names it, and the document or the error that its analysis ended with.

        They come as they finish. `at_once` videos are analyzed at the same time; "auto" chooses by where requests run.
        `engine` is an `Executor` or the name of one: "threads" of this process, which share everything; "slots",
        processes of their own. A failure does not stop the other analyses; `cancel` and Ctrl-C do, and raise. Videos
        with the same name get results with different names, as on the command line.
        """
        options_of_all = load_options(options)
        with closing(
            self.outcomes(videos, options_of_all, at_once=at_once, engine=engine, on_event=on_event, cancel=cancel)
        ) as outcomes:
            try:
                for outcome in outcomes:
                    begun = outcome.seconds > 0
                    if outcome.error is not None and cancel is not None and cancel.error is not None:
                        if not begun:
                            raise cancel.error
                        if outcome.cancelled or outcome.error is cancel.error:
                            raise outcome.error  # it says what is kept of the video
                    yield as_text(outcome.task.video), outcome.result
            except KeyboardInterrupt:
                raise Interrupted("interrupted", hint="call it again to resume") from None

    def outcomes(
        self,
        videos: Sequence[Path | str],
        options: Options,
        *,
        at_once: int | Literal["auto"] = "auto",
        engine: str | Executor = "threads",
        on_event: Listener = silent,
        cancel: CancelScope | None = None,
    ) -> Outcomes:
        """Yield the outcome of each video's analysis, as they finish, like `analyze_many`, but raise nothing.

        Names for all results are chosen before the first analysis starts. Closing the iterator cancels the others.
        """
        tasks = tasks_of([Path(video) for video in videos], options)
        if isinstance(engine, str):
            engine = executor_named(engine, number_at_once(at_once, len(tasks), options, self._fleet))
        scope = (cancel or CancelScope()).child()
        with closing(all_outcomes(tasks, engine, SessionWork(self), on_event, scope)) as outcomes:
            for outcome in outcomes:
                try:
                    yield outcome
                finally:  # here, since workers may be on other hosts, and after the outcome, which may be waited for
                    if outcome.path is not None:
                        into_library(outcome.path, outcome.task.video, on_event)

    def prepare(
        self, video: Path | str, options: Options, *, name: str | None = None, taken: str | None = None
    ) -> Prepared:
        """Prepare a video like the function `prepare`, with the session's endpoints and its survey of them."""
        return prepare(video, options, self._fleet, name=name, taken=taken, survey=self.survey(options))

    def survey(self, options: Options) -> Survey:
        """Return what RunPod reports about the endpoints, at most `SURVEY_S` old."""
        with self._changed:
            survey, since_s = self._surveys.get(options.price, (None, 0.0))
            if survey is None or time.monotonic() - since_s > SURVEY_S:
                survey = Survey(self._fleet, options.price)
                self._surveys[options.price] = (survey, time.monotonic())
            return survey

    def execute(self, prepared: Prepared, on_event: Listener = silent, cancel: CancelScope | None = None) -> Document:
        """Run what was prepared and write its document, as `analyze` does."""
        document = self._execute(prepared, on_event, cancel)
        if prepared.options.journal is None:  # else hosts may share the folder too, where SQLite does not work
            into_library(prepared.path, prepared.media.path, on_event)
        return document

    def _execute(self, prepared: Prepared, on_event: Listener, cancel: CancelScope | None) -> Document:
        scope = CancelScope(self._scope, *([cancel] if cancel is not None else []))
        with self._changed:
            self._running += 1
        try:
            return execute(prepared, on_event, resources=self._resources, cancel=scope)
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Cancel what is still running, and close all resources."""
        self._scope.cancel(CancelledError("the session is closed"))
        with self._changed:
            self._changed.wait_for(lambda: not self._running, CANCEL_S)
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def into_library(result: Path, video: Path, listener: Listener) -> None:
    """Bring the library of the result's folder up to date. If that fails, it fails nothing: the result is there."""
    from framefleet.library import bring_up_to_date

    try:
        bring_up_to_date(result.parent)
    except Exception as error:  # whatever it is, the result is written
        log.warning("%s: not in the library", result.name, exc_info=error)
        listener(Notice(f"the library is not up to date: {describe(error)}", video=video, time_s=time.time()))


class SessionWork(Work):
    """The work of executors: analyses of one session, or of sessions like it in other processes."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __call__(self, task: Task, listener: Listener, scope: CancelScope) -> VideoOutcome:
        began = time.perf_counter()
        try:
            scope.check()
            prepared = self._session.prepare(task.video, task.options, name=task.name, taken=task.taken)
            document = self._session._execute(prepared, listener, scope)
        except Exception as fault:
            error = as_error(fault)
            log.info("the analysis of a video failed: %s", error, exc_info=error)
            return VideoOutcome(task, time.perf_counter() - began, error.usd, error=error)
        seconds, failed = time.perf_counter() - began, {one.stage: one.error for one in reversed(document.failures)}
        part = "; ".join(f"{stage}: {error}" for stage, error in sorted(failed.items())) or None
        return VideoOutcome(task, seconds, document.cost.usd, prepared.path, part, document=document)

    def elsewhere(self, workers: int, *, cores: int | None = None) -> OpenWorker:
        share = structs.replace(self._session._fleet, share=self._session._fleet.share * workers)
        return OpenSession(share, cores or max(1, (os.cpu_count() or 1) // workers), workers)

    def lent(
        self, task: Task, workers: int, scope: CancelScope, analyze: Callable[[Task], VideoOutcome]
    ) -> VideoOutcome:
        if self._session._resources.budget.max_usd is None:
            return analyze(task)
        began = time.perf_counter()
        try:
            prepared = self._session.prepare(task.video, task.options, name=task.name)
            budget = self._session._resources.budget_of(task.options)
            with budget.reserved(sum(plan.estimate.usd for plan in unanswered_plans(prepared)), scope):
                lent = structs.replace(task.options, max_cost=budget.lend(workers))
                outcome = replace(analyze(replace(task, options=lent)), task=task)
                budget.spent(outcome.usd)
                return outcome
        except Exception as fault:
            log.info("%s: not lent to another process", task.video, exc_info=fault)
            return VideoOutcome(task, time.perf_counter() - began, error=as_error(fault))


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Opens a session in another process, which has `cores` and is one of so many `workers`."""

    fleet: Fleet
    cores: int
    workers: int

    @contextmanager
    def __call__(self) -> Iterator[Worker]:
        with Session(fleet=self.fleet, cores=self.cores) as session:
            work = SessionWork(session)

            def divided(task: Task, listener: Listener, scope: CancelScope) -> VideoOutcome:
                most = task.options.max_workers
                each = most if most == "auto" else max(1, most // self.workers)
                outcome = work(replace(task, options=structs.replace(task.options, max_workers=each)), listener, scope)
                return replace(outcome, task=task)

            yield divided


def analyze(
    video: Path | str,
    *,
    on_event: Listener = silent,
    cancel: CancelScope | None = None,
    **options: Unpack[OptionArguments],
) -> Document:
    """Analyze one video in a session of its own; see `Session.analyze`."""
    with Session() as session:
        return session.analyze(video, on_event=on_event, cancel=cancel, **options)
