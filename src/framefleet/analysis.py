"""One analysis of a video: it is prepared, which plans and prices it, and executed, which writes its document."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from framefleet.cancel import CancelScope
from framefleet.config.endpoints import Fleet
from framefleet.config.options import Options
from framefleet.errors import AsleepError, BudgetError, UsageError
from framefleet.fleet.backends.runpod.survey import Sleep, Survey
from framefleet.journal.file import FILE_NAME
from framefleet.journal.file_hash import FileHash
from framefleet.journal.look import is_there
from framefleet.logs import logger
from framefleet.media.files.probe import probe
from framefleet.media.sampling import chosen_parts
from framefleet.media.types import MediaInfo
from framefleet.pipeline.plan import RunPlan, StagePlan, plan_run
from framefleet.pipeline.resources import Resources
from framefleet.pipeline.resume import unanswered, with_reading
from framefleet.pipeline.run import run
from framefleet.progress import Event, Listener, Notice, silent
from framefleet.results.assemble.document import build_document
from framefleet.results.places import place_of
from framefleet.schema.document import Document
from framefleet.stages.base import Needs
from framefleet.stages.registry import SPECS
from framefleet.storage.folder import FolderResults, name_of

log = logger(__name__)


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
