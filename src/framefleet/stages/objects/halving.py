"""A batch that is too large for the device's memory, in halves that fit."""

from collections.abc import Sequence

from framefleet.errors import WorkerError
from framefleet.stages.objects.engines.base import Boxes, Engine, Pixels, Settings


def detect_in_memory(engine: Engine, pictures: Sequence[Pixels], settings: Settings) -> tuple[list[Boxes], int | None]:
    """What is in each picture, and how many fitted at once if it was not all of them (else None).

    Raises `WorkerError` ("out_of_memory") if not even one picture fits.
    """
    found: list[Boxes] = []
    most = max(1, len(pictures))
    while len(found) < len(pictures):
        boxes = _tried(engine, pictures[len(found) : len(found) + most], settings, last=most == 1)
        if boxes is None:
            most = -(-most // 2)
        else:
            found += boxes
    return found, most if most < len(pictures) else None


def _tried(engine: Engine, pictures: Sequence[Pixels], settings: Settings, *, last: bool) -> list[Boxes] | None:
    """None: they do not fit, and half of them may."""
    try:
        return engine.detect(pictures, settings)
    except WorkerError as error:
        if error.type != "out_of_memory" or last:
            raise
        return None
