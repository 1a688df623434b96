"""The client's part of a run alone: frames that are already JPEG files, through a lane with its journal."""

import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from framefleet.cancel import CancelScope
from framefleet.config.endpoints import Fleet
from framefleet.config.options import Options
from framefleet.fleet.billing.estimate import billed_seconds
from framefleet.media.types import MediaInfo, Picture, PictureTime
from framefleet.pipeline.assembly import StageAssembly
from framefleet.pipeline.plan import plan_run
from framefleet.pipeline.resources import Resources
from framefleet.progress import Listener, silent
from framefleet.stages.batches import PictureBatch
from framefleet.stages.objects.stage import ObjectsStage

NOISE = random.Random(0).randbytes(4 << 20)  # a JPEG file is random bytes to the client


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of a run; seconds of wall time and of this process's CPU from opening the journal to closing it."""

    wall_s: float
    cpu_s: float
    batches: int
    charges: int
    billed_s: float
    hedged: int
    lost: int


def media_of(pictures: int) -> MediaInfo:
    """Return the media info of a full-HD video with this many frames at one per second. There is no such file."""
    return MediaInfo(
        path=Path("film.mp4"),
        size_bytes=0,
        start=Fraction(0),
        duration_s=float(pictures),
        width=1920,
        height=1080,
        rotation=0,
        fps=25.0,
        codec="h264",
        frame_count=25 * pictures,
        audio=None,
    )


def encoded(batch: PictureBatch, size: int) -> list[Picture]:
    """Return the batch's frames, `size` bytes each, all different."""
    pictures = []
    for sample in batch.samples:
        start = sample.index % (len(NOISE) - size)
        pictures.append(Picture(PictureTime(sample.index, sample.time_s, sample.time_s), NOISE[start : start + size]))
    return pictures


def send(
    fleet: Fleet,
    folder: Path,
    *,
    pictures: int,
    jpeg_bytes: int,
    listener: Listener = silent,
    **options: Any,
) -> Sent:
    """Send them all, with a new journal. Raises unless every frame is answered."""
    made = Options(stages=("objects",), backend="runpod", output_dir=folder, **options)
    media = media_of(pictures)
    plans = [plan for plan in plan_run(media, made, fleet).fleet if plan.stage.name == ObjectsStage.name]
    resources = Resources(fleet)
    began, cpu = perf_counter(), process_time()
    with closing(resources), resources.backends(plans, made) as backends:
        journal = resources.journal(folder / f"{random.randbytes(8).hex()}.sqlite3")
        run = StageAssembly(media, "0" * 64, made, resources, backends, journal, listener, CancelScope())
        lane = run.open(plans[0])
        assert lane.watch is not None
        lane.watch.start()
        for batch, payload in _payloads(lane.items, jpeg_bytes):
            lane.dispatcher.put(batch.number, payload, len(payload))
        outcome = lane.dispatcher.finish()
        lane.watch.close()
    wall_s, cpu_s = perf_counter() - began, process_time() - cpu
    found = ObjectsStage().merge(media, made, outcome.answers)
    return Sent(
        wall_s=wall_s,
        cpu_s=cpu_s,
        batches=len(lane.items),
        charges=len(outcome.charges),
        billed_s=billed_seconds(outcome.charges)[0],
        hedged=sum(charge.hedged for charge in outcome.charges),
        lost=sum(detection.objects is None for detection in found),
    )


def _payloads(batches: Sequence[PictureBatch], jpeg_bytes: int) -> Iterator[tuple[PictureBatch, list[Picture]]]:
    for batch in batches:
        yield batch, encoded(batch, jpeg_bytes)
