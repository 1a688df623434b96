"""Which pictures go into which request. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from framefleet.config import Crop
from framefleet.errors import UsageError
from framefleet.media.info import Sample
from framefleet.media.sample import plan_samples
from framefleet.units import Seconds


@dataclass(frozen=True, slots=True)
class PictureBatch:
    """One request's pictures, in the order of time."""

    number: int
    samples: tuple[Sample, ...]

    @property
    def units(self) -> float:
        return len(self.samples)


def plan_batches(duration_s: Seconds, fps: float, batch_size: int) -> list[PictureBatch]:
    """Every sample of a video once, `batch_size` a request, the last with what is left."""
    return batched(plan_samples(duration_s, fps), batch_size)


def batched(samples: Sequence[Sample], batch_size: int) -> list[PictureBatch]:
    """`samples` in their order, `batch_size` a request, the last with what is left."""
    starts = range(0, len(samples), batch_size)
    return [PictureBatch(number, tuple(samples[start : start + batch_size])) for number, start in enumerate(starts)]


def check_crop(crop: Crop | None, width: int, height: int) -> None:
    """Raises `UsageError` where the crop reaches out of the picture."""
    if crop and (crop.x + crop.width > width or crop.y + crop.height > height):
        raise UsageError(
            f"--crop {crop.x},{crop.y},{crop.width},{crop.height}: reaches out of the picture, "
            f"which has {width} × {height} pixels"
        )
