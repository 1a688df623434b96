"""The whole job from Python: a `Session` analyzes videos, and `analyze("video.mp4")` is one for a single video."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

from framefleet.cancel import CancelScope
from framefleet.config.arguments import OptionArguments
from framefleet.config.endpoints import Fleet
from framefleet.config.loading import load_fleet, load_options
from framefleet.config.options import Options
from framefleet.errors import AsleepError, BudgetError, CancelledError, FrameFleetError, UsageError
from framefleet.fleet.backends.runpod.survey import Sleep, Survey
from framefleet.fleet.execution.jobs import CANCEL_S
from framefleet.journal.file import FILE_NAME
from framefleet.journal.look import is_there
from framefleet.logs import logger
from framefleet.media.files.probe import probe
from framefleet.media.types import MediaInfo
from framefleet.models import file_sha256
from framefleet.pipeline.plan import RunPlan, StagePlan, plan_run
from framefleet.pipeline.resources import Resources
from framefleet.pipeline.resume import unanswered, with_reading
from framefleet.pipeline.run import run
from framefleet.progress import Event, Listener, Notice, silent
from framefleet.results.assemble.document import as_text, build_document
from framefleet.results.names import further_names, names_of
from framefleet.schema.document import Document
from framefleet.stages.base import Needs
from framefleet.stages.registry import SPECS
from framefleet.storage.folder import FolderResults, name_of
from framefleet.timebase import Seconds

log = logger(__name__)

SURVEY_S = 600.0  # somebody may have woken an endpoint since


@dataclass(frozen=True, slots=True)
class Prepared:
    """A video and what will be done with it. Nothing has been decoded or written."""

    media: MediaInfo
    options: Options
    fleet: Fleet
    plan: RunPlan
    survey: Survey
    path: Path
    """Where the document will be."""
    taken: str | None = None
    """Whose document has the name that this one would have, in words."""

    @property
    def journal(self) -> Path:
        """Where what is answered is kept: beside the documents, for all of them."""
        return self.path.parent / FILE_NAME


def prepare(
    video: Path | str, options: Options, fleet: Fleet, *, name: str | None = None, survey: Survey | None = None
) -> Prepared:
    """Probes the video, or the sound alone, and plans every stage. Raises `InputError` or `UsageError`.

    `name` is what its results are called among those of other videos (None: by the video's own name). `survey` is what
    several videos share, so that RunPod is asked about its endpoints once.
    """
    survey = survey or Survey(fleet, options.price)
    media = probe(Path(video), options.audio_track, options.video_track)
    media = replace(media, audio_channel=options.audio_channel)
    plan = plan_run(media, options, fleet, survey.tariff)
    for stage in SPECS:  # what is given in a stage's place is for that stage
        if isinstance(given := getattr(options, stage, None), Path) and stage not in plan.names:
            raise UsageError(
                f"--{stage} {given}: {stage} are not among --stages {','.join(plan.names)}", hint="add them"
            )
    return Prepared(media, options, fleet, plan, survey, *_place(media.path, options.output_dir, name))


def _place(video: Path, folder: Path, name: str | None) -> tuple[Path, str | None]:
    """Where the document goes: by `name`, or by a longer one where an earlier command wrote another video's there.

    A file that has changed since is not another video: whoever writes will refuse to replace its results.
    """
    store, usual = FolderResults(folder), video.stem if name is None else name
    taken: str | None = None
    for one in (usual, *further_names(video)):
        whose = store.find(one)
        if whose is None or whose.path in {"", as_text(video)} or whose.sha256 == file_sha256(video):
            return store.path(one), taken
        taken = taken or f"{store.path(one).name} holds those of {whose.path}"
    return store.path(usual), None


def unanswered_plans(prepared: Prepared, sha256: str | None = None) -> list[StagePlan]:
    """What the run has to ask: the plans of its stages without what is answered already. Nothing is written.

    `sha256` is of the video; it is taken where it is not given and there is a journal to look into.
    """
    plans = prepared.plan.fleet
    if not is_there(prepared.journal):
        return plans
    sha256 = sha256 or file_sha256(prepared.media.path)
    media = with_reading(prepared.media, plans, sha256, prepared.journal)
    return [unanswered(plan, sha256, media, prepared.journal) for plan in plans]


def check_budget(prepared: Prepared, sha256: str, resources: Resources) -> None:
    """Raises `BudgetError` if the run is expected to cost more than it may; what is answered already costs nothing."""
    most = prepared.options.max_cost
    if most is None and resources.budget.max_usd is None:
        return
    expected = sum(plan.estimate.usd for plan in unanswered_plans(prepared, sha256))
    resources.budget.check(expected)
    if most is not None and expected > most:
        raise BudgetError(
            f"--max-cost {most:g}: the run would cost about ${expected:.4f}", hint="raise it, or lower --fps"
        )


def asleep(prepared: Prepared, left: Sequence[StagePlan]) -> list[Sleep]:
    """The endpoints that `left`, which is to be asked yet, is for and that RunPod or somebody left too few workers."""
    plans = [plan for plan in left if plan.capabilities.probed and plan.items]
    found = (prepared.survey.asleep(plan.stage.endpoint, plan.workers) for plan in plans)
    return [sleep for sleep in found if sleep is not None]


def check_awake(prepared: Prepared, sha256: str, listener: Listener) -> None:
    """Tells of endpoints that sleep. Raises `AsleepError` where one may have no workers at all: all would wait."""
    if not asleep(prepared, prepared.plan.fleet):
        return
    for sleep in asleep(prepared, unanswered_plans(prepared, sha256)):
        if sleep.most == 0:
            raise AsleepError(f"{sleep}", hint=f"pass --wake to raise them, or run framefleet deploy {sleep.kind}")
        listener(Notice(f"{sleep}; --wake raises them"))


def execute(
    prepared: Prepared,
    listener: Listener = silent,
    *,
    resources: Resources | None = None,
    cancel: CancelScope | None = None,
) -> Document:
    """Runs what was prepared and writes its document. Raises `FrameFleetError`, also the reason of `cancel`.

    Without `resources` it opens its own.
    """
    if resources is None:
        with _resources(prepared.fleet) as own:
            return execute(prepared, listener, resources=own, cancel=cancel)
    scope = (cancel or CancelScope()).child()  # what ends this one ends nothing else
    scope.check()
    listener = _stamped(listener, prepared.media.path)
    sha256 = file_sha256(prepared.media.path)
    check_budget(prepared, sha256, resources)
    check_awake(prepared, sha256, listener)
    scope.check()
    store, name = FolderResults(prepared.path.parent), name_of(prepared.path)
    store.claim(name, sha256)
    for plan in prepared.plan.fleet:
        if not plan.capabilities.remote and prepared.options.backend == "auto":
            listener(Notice(f"{plan.stage.name}: no {plan.stage.endpoint} endpoint configured; runs on this machine"))
    for notice in notices(prepared):
        listener(Notice(notice))
    media = with_reading(prepared.media, prepared.plan.fleet, sha256, prepared.journal)
    scope.check()
    done = run(media, sha256, prepared.plan, prepared.options, resources, prepared.journal, listener, scope)
    document = build_document(done, sha256)
    store.put(name, document)
    return document


@contextmanager
def _resources(fleet: Fleet) -> Iterator[Resources]:
    resources = Resources(fleet)
    try:
        yield resources
    finally:
        resources.close()


def _stamped(listener: Listener, video: Path) -> Listener:
    """The listener, told of each event which video it is about and when it came."""

    def told(event: Event) -> None:
        listener(replace(event, video=video, time_s=time.time()))

    return told


def notices(prepared: Prepared) -> list[str]:
    """What is left out, by reason, which sound is heard where nobody chose, and what scenes of keyframes are worth."""
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
    """How the pictures are taken where that is not plain."""
    lines = []
    if (media.tracks or 1) > 1 and options.video_track is None:
        lines.append(f"using video track {media.track} of {media.tracks}; --video-track chooses another")
    if media.oddly_shown is not None:
        lines.append(f"the file's display matrix also {media.oddly_shown}: not applied")
    if media.counted_at is not None:
        lines.append(f"no timestamps in the file; assuming {media.counted_at:g} frames per second")
    return lines


class Session:
    """Analyzes videos, as many as you like, and keeps what they share: connections, loaded models, learned levels and
    polling times, prices, journals. For many threads, and for several analyses at once, which then share one rate limit
    and one level of each endpoint, and one budget: `max_cost` is what all of them may cost, in dollars, beside the
    `max_cost` of each.

    Endpoints and keys are those of the environment and framefleet.toml when it is made, unless `fleet` is given.
    """

    def __init__(self, *, max_cost: float | None = None, fleet: Fleet | None = None) -> None:
        self._fleet = fleet or load_fleet()
        self._resources = Resources(self._fleet, max_cost)
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
        """Return what is seen and said in a video, as a document that is also written to `output_dir`.

        `options` are the fields of `Options` (`fps=1, max_workers=5, batch_size=16, stages=("objects", "speech"), …`);
        what is not given comes from the environment, framefleet.toml and defaults. `on_event` is called from several
        threads. `cancel.cancel()`, from any thread, ends the analysis: what is answered is kept, jobs at work are
        cancelled, and the same call goes on from there. Raises `FrameFleetError`; work that got no answer raises
        nothing and stands in `document.failures`.
        """
        return self._analyzed(video, load_options(options), None, on_event, cancel)

    def analyze_many(
        self,
        videos: Sequence[Path | str],
        *,
        on_event: Listener = silent,
        cancel: CancelScope | None = None,
        **options: Unpack[OptionArguments],
    ) -> Iterator[Document | FrameFleetError]:
        """Yield for each video, in their order, its document, or the error that its analysis ended with.

        One that fails does not stop the others; `cancel` does, and so does Ctrl-C: those raise. Videos of the same name
        get results of different names, as on the command line. Each begins when its result is asked for.
        """
        made, paths = load_options(options), [Path(video) for video in videos]
        names = names_of(paths)
        for path in paths:
            try:
                result: Document | FrameFleetError = self._analyzed(path, made, names[path], on_event, cancel)
            except CancelledError:
                raise
            except FrameFleetError as error:
                if cancel is not None and cancel.cancelled:
                    raise
                log.info("one of %d is ended by %s", len(paths), error, exc_info=error)
                result = error
            yield result

    def prepare(self, video: Path | str, options: Options, *, name: str | None = None) -> Prepared:
        """As the function, with the session's endpoints and its survey of them."""
        return prepare(video, options, self._fleet, name=name, survey=self.survey(options))

    def survey(self, options: Options) -> Survey:
        """What RunPod tells of the endpoints, asked once in `SURVEY_S`."""
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
        """End what is still running, as by a cancellation, and close all that was open."""
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

    def _analyzed(
        self, video: Path | str, options: Options, name: str | None, on_event: Listener, cancel: CancelScope | None
    ) -> Document:
        if cancel is not None:
            cancel.check()
        return self.execute(self.prepare(video, options, name=name), on_event, cancel)


def analyze(
    video: Path | str,
    *,
    on_event: Listener = silent,
    cancel: CancelScope | None = None,
    **options: Unpack[OptionArguments],
) -> Document:
    """As `Session.analyze`, of a session for this video alone."""
    with Session() as session:
        return session.analyze(video, on_event=on_event, cancel=cancel, **options)
