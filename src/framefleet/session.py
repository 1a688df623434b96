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

from framefleet.cancel import CancelScope
from framefleet.config.arguments import OptionArguments
from framefleet.config.endpoints import Fleet
from framefleet.config.loading import load_fleet, load_options
from framefleet.config.options import Options
from framefleet.errors import AsleepError, BudgetError, CancelledError, FrameFleetError, Interrupted, UsageError
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
from framefleet.fleet.backends.runpod.survey import Sleep, Survey
from framefleet.fleet.execution.jobs import CANCEL_S
from framefleet.journal.file import FILE_NAME
from framefleet.journal.files import FileHash
from framefleet.journal.look import is_there
from framefleet.logs import logger
from framefleet.media.files.probe import probe
from framefleet.media.parts import chosen_parts
from framefleet.media.types import MediaInfo
from framefleet.pipeline.plan import RunPlan, StagePlan, plan_run
from framefleet.pipeline.resources import Resources
from framefleet.pipeline.resume import unanswered, with_reading
from framefleet.pipeline.run import run
from framefleet.progress import Event, Listener, Notice, silent
from framefleet.results.assemble.document import as_text, build_document
from framefleet.results.places import place_of
from framefleet.schema.document import Document
from framefleet.stages.base import Needs
from framefleet.stages.registry import SPECS
from framefleet.storage.folder import FolderResults, name_of
from framefleet.timebase import Seconds

log = logger(__name__)

SURVEY_S = 600.0  # after this time another client may have woken an endpoint


@dataclass(frozen=True, slots=True)
class Prepared:
    """A video and the plan of its analysis. Nothing has been decoded or written."""

    media: MediaInfo
    options: Options
    fleet: Fleet
    plan: RunPlan
    survey: Survey
    path: Path
    """The path of the document."""
    taken: str | None = None
    """A message about the other video's document that has this one's usual name; None if there is none."""

    @property
    def journal(self) -> Path:
        """The path of the journal, which is shared by all documents in the folder."""
        return self.path.parent / FILE_NAME

    def journal_of(self, sha256: str) -> Path:
        """The path of this video's journal, by its sha256: the folder's, or a folder of its own in the shared one."""
        return self.journal if self.options.journal is None else self.options.journal / sha256


def prepare(
    video: Path | str,
    options: Options,
    fleet: Fleet,
    *,
    name: str | None = None,
    taken: str | None = None,
    survey: Survey | None = None,
) -> Prepared:
    """Probe the video or sound file, plan every stage, and return the plan. Raises `InputError` or `UsageError`.

    `name` is the name of the results (None: the video's own name), and `taken` why it is another than usual. Several
    videos can share a `survey`, so that RunPod's endpoints are queried once.
    """
    survey = survey or Survey(fleet, options.price)
    media = probe(Path(video), options.audio_track, options.video_track)
    parts = chosen_parts(media.duration_s, options.from_s, options.to_s, ends=options.sampling == "ends")
    media = replace(media, audio_channel=options.audio_channel, parts=parts, dense_first_s=options.dense_first)
    plan = plan_run(media, options, fleet, survey.tariff)
    for stage in SPECS:  # a file given in place of a stage needs that stage
        if isinstance(given := getattr(options, stage, None), Path) and stage not in plan.names:
            raise UsageError(f"--{stage} {given}: {stage} is not among --stages {','.join(plan.names)}", hint="add it")
    place = place_of(media.path, options.output_dir, name)
    return Prepared(media, options, fleet, plan, survey, place.path, place.taken or taken)


def file_hash(prepared: Prepared) -> FileHash:
    """Return the sha256 of the video; with the option `verify` it is read in any case."""
    return FileHash(prepared.media.path, prepared.journal, verify=prepared.options.verify)


def unanswered_plans(prepared: Prepared, sha256: str | None = None) -> list[StagePlan]:
    """Return the plans of the run's stages without the items that are answered already. Nothing is written.

    `sha256` is the video's; without it, it is computed if there is a journal.
    """
    plans = prepared.plan.fleet
    if not is_there(prepared.options.journal or prepared.journal):
        return plans
    sha256 = sha256 or file_hash(prepared).sha256
    journal = prepared.journal_of(sha256)
    media = with_reading(prepared.media, plans, sha256, journal)
    return [unanswered(plan, sha256, media, journal) for plan in plans]


def check_budget(prepared: Prepared, sha256: str, resources: Resources) -> float:
    """Return what the run is expected to cost, if there is a budget; saved answers cost nothing.

    Raises `BudgetError` if that exceeds the run's own budget.
    """
    most = prepared.options.max_cost
    if most is None and resources.budget.max_usd is None:
        return 0.0
    expected = sum(plan.estimate.usd for plan in unanswered_plans(prepared, sha256))
    if most is not None and expected > most:
        raise BudgetError(
            f"--max-cost {most:g}: the run would cost about ${expected:.4f}", hint="raise it, or lower --fps"
        )
    return expected


def asleep(prepared: Prepared, left: Sequence[StagePlan]) -> list[Sleep]:
    """Return the endpoints that the plans in `left` need and that have too few workers."""
    plans = [plan for plan in left if plan.capabilities.probed and plan.items]
    found = (prepared.survey.asleep(plan.stage.endpoint, plan.workers) for plan in plans)
    return [sleep for sleep in found if sleep is not None]


def check_awake(prepared: Prepared, sha256: str, listener: Listener) -> None:
    """Report endpoints with too few workers. Raises `AsleepError` if one may have none: all its requests would wait."""
    if not asleep(prepared, prepared.plan.fleet):
        return
    for sleep in asleep(prepared, unanswered_plans(prepared, sha256)):
        if sleep.most == 0:
            raise AsleepError(f"{sleep}", hint=f"pass --wake to raise them, or run framefleet deploy {sleep.kind}")
        listener(Notice(f"{sleep}; --wake raises them"))


def fetch_models(prepared: Prepared, sha256: str, listener: Listener) -> None:
    """Fetch the models that stages on this machine lack and have work for. Raises `SetupError`."""
    lacking = [plan for plan in prepared.plan.fleet if (chooser := plan.chooser) and chooser.lacks_model(plan.options)]
    busy = {plan.stage.name for plan in unanswered_plans(prepared, sha256) if plan.items} if lacking else set()
    for plan in lacking:
        if plan.chooser and plan.stage.name in busy:
            plan.chooser.fetch_model(plan.options, lambda line: listener(Notice(line)))


def execute(
    prepared: Prepared,
    listener: Listener = silent,
    *,
    resources: Resources | None = None,
    cancel: CancelScope | None = None,
) -> Document:
    """Run what was prepared, write its document and return it. Raises `FrameFleetError`, also the reason of `cancel`.

    Without `resources` it opens its own.
    """
    if resources is None:
        with _resources(prepared.fleet) as own:
            return execute(prepared, listener, resources=own, cancel=cancel)
    scope = (cancel or CancelScope()).child()  # a failure of this run must not cancel the caller's scope
    scope.check()
    listener = _stamped(listener, prepared.media.path)
    hashed = file_hash(prepared)
    sha256 = hashed.sha256
    expected_usd = check_budget(prepared, sha256, resources)
    check_awake(prepared, sha256, listener)
    fetch_models(prepared, sha256, listener)
    scope.check()
    store, name = FolderResults(prepared.path.parent), name_of(prepared.path)
    store.claim(name, sha256)
    for plan in prepared.plan.fleet:
        if not plan.capabilities.remote and prepared.options.backend == "auto":
            listener(Notice(f"{plan.stage.name}: no {plan.stage.endpoint} endpoint configured; runs on this machine"))
    for plan in prepared.plan.fleet:
        if plan.chooser is None or plan.chooser.lacks_model(plan.options):  # without work, nothing was fetched for it
            continue
        if (remark := plan.chooser.model_remark(plan.options)) is not None:
            model = plan.chooser.model_name(plan.options)
            listener(Notice(f"{plan.stage.name}: using {model}, {remark}"))
    for notice in notices(prepared):
        listener(Notice(notice))
    journal = prepared.journal_of(sha256)
    media = with_reading(prepared.media, prepared.plan.fleet, sha256, journal)
    scope.check()
    budget = resources.budget_of(prepared.options)
    with budget.reserved(expected_usd, scope):
        done = run(media, sha256, prepared.plan, prepared.options, resources, budget, journal, listener, scope)
    document = build_document(done, sha256)
    store.put(name, document)
    if prepared.options.journal is None:  # a shared folder is of many hosts, and a hash of one
        hashed.note(resources.journal(prepared.journal))
    return document


@contextmanager
def _resources(fleet: Fleet) -> Iterator[Resources]:
    resources = Resources(fleet)
    try:
        yield resources
    finally:
        resources.close()


def _stamped(listener: Listener, video: Path) -> Listener:
    """Return a listener that adds the video and the time to each event."""

    def stamp(event: Event) -> None:
        listener(replace(event, video=video, time_s=time.time()))

    return stamp


def notices(prepared: Prepared) -> list[str]:
    """Return the notices before a run: stages that are left out and why, automatic choices, remarks of stages."""
    plan, audio = prepared.plan, prepared.media.audio
    reasons = dict.fromkeys(plan.left_out.values())
    lines = list(prepared.media.notes)
    if prepared.media.is_estimated:
        lines.append("no duration in the file; estimated from its size and bit rate")
    lines += [f"{', '.join(n for n in plan.left_out if plan.left_out[n] == r)}: skipped; {r}" for r in reasons]
    looks = any(stage.stage.needs is Needs.PICTURES for stage in plan.fleet) or bool(plan.watching)
    lines += _of_pictures(prepared.media, prepared.options) if looks else []
    hears = any(stage.stage.needs is Needs.AUDIO for stage in plan.fleet)
    if hears and audio is not None and (audio.tracks or 1) > 1 and prepared.options.audio_track is None:
        which = f"{audio.track} of {audio.tracks}" + (f" ({audio.language})" if audio.language else "")
        lines.append(f"using audio track {which}; --audio-track chooses another")
    if prepared.taken is not None:
        lines.append(f"writing results to {prepared.path.name}: {prepared.taken}")
    for watch in plan.watching:
        if watch.order.samples and (note := watch.stage.note(watch.options)) is not None:
            lines.append(f"{watch.spec.name}: {note}")
    return lines


def _of_pictures(media: MediaInfo, options: Options) -> list[str]:
    """Return the notices about how frames are read."""
    lines = []
    if (media.tracks or 1) > 1 and options.video_track is None:
        lines.append(f"using video track {media.track} of {media.tracks}; --video-track chooses another")
    if media.oddly_shown is not None:
        lines.append(f"the file's display matrix also {media.oddly_shown}: not applied")
    if media.counted_at is not None:
        lines.append(f"no timestamps in the file; assuming {media.counted_at:g} frames per second")
    return lines


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
        """Analyze a video, and return its document, which is also written to `output_dir`.

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
                    if outcome.error is not None and cancel is not None and cancel.cancelled:
                        begun = outcome.seconds > 0  # its error says what is kept of it
                        raise outcome.error if begun or cancel.error is None else cancel.error
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
        yield from all_outcomes(tasks, engine, SessionWork(self), on_event, (cancel or CancelScope()).child())

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


class SessionWork(Work):
    """The work of executors: analyses of one session, or of sessions like it in other processes."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __call__(self, task: Task, listener: Listener, scope: CancelScope) -> VideoOutcome:
        began = time.perf_counter()
        try:
            scope.check()
            prepared = self._session.prepare(task.video, task.options, name=task.name, taken=task.taken)
            document = self._session.execute(prepared, listener, scope)
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
        except FrameFleetError as error:
            return VideoOutcome(task, time.perf_counter() - began, error=error)


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
