"""The whole job from Python: `analyze("video.mp4")` is what the command does."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from framefleet.config.endpoints import Fleet
from framefleet.config.loading import load_fleet, load_options
from framefleet.config.options import Options
from framefleet.errors import AsleepError, BudgetError, UsageError
from framefleet.fleet.backends.runpod.survey import Sleep, Survey
from framefleet.journal.file import FILE_NAME
from framefleet.journal.look import is_there
from framefleet.media.files.probe import probe
from framefleet.media.types import MediaInfo
from framefleet.models import file_sha256
from framefleet.pipeline.plan import RunPlan, StagePlan, plan_run
from framefleet.pipeline.resume import unanswered, with_reading
from framefleet.pipeline.run import run
from framefleet.progress import Listener, Notice, silent
from framefleet.results.assemble.document import as_text, build_document
from framefleet.results.names import further_names
from framefleet.schema.document import Document
from framefleet.stages.base import Needs
from framefleet.stages.registry import SPECS
from framefleet.storage.folder import FolderResults, name_of


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
            raise UsageError(f"--{stage} {given}: {stage} are not among --stages {','.join(plan.names)}; add them")
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


def check_budget(prepared: Prepared, sha256: str | None = None) -> None:
    """Raises `BudgetError` if the run is expected to cost more than it may; what is answered already costs nothing."""
    most = prepared.options.max_cost
    if most is None:
        return
    expected = sum(plan.estimate.usd for plan in unanswered_plans(prepared, sha256))
    if expected > most:
        raise BudgetError(f"--max-cost {most:g}: the run would cost about ${expected:.4f}; raise it, or lower --fps")


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
            raise AsleepError(f"{sleep}; --wake raises them again, or framefleet deploy {sleep.kind}")
        listener(Notice(f"{sleep}; --wake raises them again"))


def execute(prepared: Prepared, listener: Listener = silent) -> Document:
    """Runs what was prepared and writes its document. Raises `FrameFleetError`."""
    sha256 = file_sha256(prepared.media.path)
    check_budget(prepared, sha256)
    check_awake(prepared, sha256, listener)
    store, name = FolderResults(prepared.path.parent), name_of(prepared.path)
    store.claim(name, sha256)
    for plan in prepared.plan.fleet:
        if not plan.capabilities.remote and prepared.options.backend == "auto":
            listener(Notice(f"{plan.stage.name}: no {plan.stage.endpoint} endpoint is set, so it runs on this machine"))
    for notice in notices(prepared):
        listener(Notice(notice))
    media = with_reading(prepared.media, prepared.plan.fleet, sha256, prepared.journal)
    done = run(media, sha256, prepared.plan, prepared.options, prepared.fleet, prepared.journal, listener)
    document = build_document(done, sha256)
    store.put(name, document)
    return document


def notices(prepared: Prepared) -> list[str]:
    """What is left out, by reason, which sound is heard where nobody chose, and what scenes of keyframes are worth."""
    plan, audio = prepared.plan, prepared.media.audio
    reasons = dict.fromkeys(plan.left_out.values())
    lines = list(prepared.media.notes)
    if prepared.media.is_estimated:
        lines.append("how long it is nobody says; what is planned is about that, from its size and bit rate")
    lines += [f"{', '.join(n for n in plan.left_out if plan.left_out[n] == r)}: left out; {r}" for r in reasons]
    looks = any(stage.stage.needs is Needs.PICTURES for stage in plan.fleet) or bool(plan.watching)
    lines += _of_pictures(prepared.media, prepared.options) if looks else []
    hears = any(stage.stage.needs is Needs.AUDIO for stage in plan.fleet)
    if hears and audio is not None and (audio.tracks or 1) > 1 and prepared.options.audio_track is None:
        which = f"{audio.track} of {audio.tracks}" + (f" ({audio.language})" if audio.language else "")
        lines.append(f"audio track {which} is heard; --audio-track chooses another")
    if prepared.taken is not None:
        lines.append(f"the results go to {prepared.path.name}: {prepared.taken}")
    for watch in plan.watching:
        if watch.order.samples and (note := watch.stage.note(watch.options)) is not None:
            lines.append(f"{watch.spec.name}: {note}")
    return lines


def _of_pictures(media: MediaInfo, options: Options) -> list[str]:
    """How the pictures are taken where that is not plain."""
    lines = []
    if (media.tracks or 1) > 1 and options.video_track is None:
        lines.append(f"video track {media.track} of {media.tracks} is looked at; --video-track chooses another")
    if media.oddly_shown is not None:
        lines.append(f"the file's display matrix also {media.oddly_shown}: that is left undone")
    if media.counted_at is not None:
        lines.append(f"there are no times in the file: its pictures are counted, {media.counted_at:g} a second")
    return lines


def analyze(video: Path | str, *, listener: Listener = silent, **options: Any) -> Document:
    """What is seen and said in a video, as a document that is also written to `output_dir`.

    `options` are the fields of `Options` (`fps=1, max_workers=5, batch_size=16, output_dir="output", …`); what is not
    given comes from the environment, framefleet.toml and defaults. Raises `FrameFleetError`; work that got no answer
    raises nothing and stands in `document.failures`.
    """
    return execute(prepare(video, load_options(options), load_fleet()), listener)
