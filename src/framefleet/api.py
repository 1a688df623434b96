"""The whole job from Python: `analyze("video.mp4")` is what the command does."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framefleet.config import Fleet, Options, load_fleet, load_options
from framefleet.errors import BudgetError, InputError
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
    """Probes the video and plans every stage. Raises `InputError` or `UsageError`."""
    media = probe(Path(video))
    if not media.has_video:
        raise InputError(f"{video}: has sound but no video stream; give a video")
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
    for name, reason in prepared.plan.left_out.items():
        listener(Notice(f"{name}: left out; {reason}"))
    journal = prepared.path.parent / FILE_NAME
    done = run(prepared.media, sha256, prepared.plan, prepared.options, prepared.fleet, journal, listener)
    document = build_document(done, sha256)
    write_document(document, prepared.path)
    return document


def analyze(video: Path | str, *, listener: Listener = silent, **options: Any) -> Document:
    """What is seen and said in a video, as a document that is also written to `output_dir`.

    `options` are the fields of `Options` (`fps=1, max_workers=5, batch_size=16, output_dir="output", …`); what is not
    given comes from the environment, framefleet.toml and defaults. Raises `FrameFleetError`; work that got no answer
    raises nothing and stands in `document.failures`.
    """
    return execute(prepare(video, load_options(options), load_fleet()), listener)
