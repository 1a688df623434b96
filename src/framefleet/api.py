"""The whole job from Python: `analyze("video.mp4")` is what the command does."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framefleet.config import Fleet, Options, load_fleet, load_options
from framefleet.errors import BudgetError
from framefleet.journal.store import FILE_NAME
from framefleet.media.info import MediaInfo
from framefleet.media.probe import probe
from framefleet.pipeline.plan import RunPlan, plan_run
from framefleet.pipeline.run import run
from framefleet.progress import Listener, Notice, silent
from framefleet.results.build import build_document
from framefleet.results.codec import claim, write_document
from framefleet.results.document import Document
from framefleet.results.files import document_path
from framefleet.stages.base import Needs
from framefleet.weights import file_sha256


@dataclass(frozen=True, slots=True)
class Prepared:
    """A video and what will be done with it. Nothing has been decoded or written."""

    media: MediaInfo
    options: Options
    fleet: Fleet
    plan: RunPlan

    @property
    def path(self) -> Path:
        """Where the document will be."""
        return document_path(self.options.output_dir, self.media.path)


def prepare(video: Path | str, options: Options, fleet: Fleet) -> Prepared:
    """Probes the video, or the sound alone, and plans every stage. Raises `InputError` or `UsageError`."""
    media = probe(Path(video), options.audio_track)
    return Prepared(media, options, fleet, plan_run(media, options, fleet))


def check_budget(prepared: Prepared) -> None:
    """Raises `BudgetError` if the run is expected to cost more than it may."""
    expected = sum(plan.estimate.usd for plan in prepared.plan.fleet)
    most = prepared.options.max_cost
    if most is not None and expected > most:
        raise BudgetError(f"--max-cost {most:g}: the run would cost about ${expected:.4f}; raise it, or lower --fps")


def execute(prepared: Prepared, listener: Listener = silent) -> Document:
    """Runs what was prepared and writes its document. Raises `FrameFleetError`."""
    check_budget(prepared)
    sha256 = file_sha256(prepared.media.path)
    claim(prepared.path, sha256)
    for plan in prepared.plan.fleet:
        if plan.backend == "local" and prepared.options.backend != "local":
            listener(Notice(f"{plan.stage.name}: no {plan.stage.endpoint} endpoint is set, so it runs on this machine"))
    for notice in notices(prepared):
        listener(Notice(notice))
    journal = prepared.path.parent / FILE_NAME
    done = run(prepared.media, sha256, prepared.plan, prepared.options, prepared.fleet, journal, listener)
    document = build_document(done, sha256)
    write_document(document, prepared.path)
    return document


def notices(prepared: Prepared) -> list[str]:
    """What is left out, by reason, and which sound is heard where there is a choice that nobody made."""
    plan, audio = prepared.plan, prepared.media.audio
    reasons = dict.fromkeys(plan.left_out.values())
    lines = [f"{', '.join(n for n in plan.left_out if plan.left_out[n] == r)}: left out; {r}" for r in reasons]
    hears = any(stage.stage.needs is Needs.AUDIO for stage in plan.fleet)
    if hears and audio is not None and (audio.tracks or 1) > 1 and prepared.options.audio_track is None:
        which = f"{audio.track} of {audio.tracks}" + (f" ({audio.language})" if audio.language else "")
        lines.append(f"audio track {which} is heard; --audio-track chooses another")
    return lines


def analyze(video: Path | str, *, listener: Listener = silent, **options: Any) -> Document:
    """What is seen and said in a video, as a document that is also written to `output_dir`.

    `options` are the fields of `Options` (`fps=1, max_workers=5, batch_size=16, output_dir="output", …`); what is not
    given comes from the environment, framefleet.toml and defaults. Raises `FrameFleetError`; work that got no answer
    raises nothing and stands in `document.failures`.
    """
    return execute(prepare(video, load_options(options), load_fleet()), listener)
