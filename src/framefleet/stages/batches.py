"""Which pictures go into which request. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from framefleet.errors import UsageError
from framefleet.media.sampling import plan_samples
from framefleet.media.types import Sample
from framefleet.schema.document import Crop
from framefleet.timebase import Seconds


@dataclass(frozen=True, slots=True)
class PictureBatch:
    """One request's pictures, in the order of time."""

    number: int
    samples: tuple[Sample, ...]

    @property
    def units(self) -> float:
        return len(self.samples)


def plan_batches(
    duration_s: Seconds, fps: float, batch_size: int, *, pictures_s: Seconds | None = None
) -> list[PictureBatch]:
    """Every sample of a video once, `batch_size` a request, the last with what is left."""
    return batched(plan_samples(duration_s, fps, pictures_s=pictures_s), batch_size)


def batched(samples: Sequence[Sample], batch_size: int) -> list[PictureBatch]:
    """`samples` in their order, `batch_size` a request, the last with what is left.

    Those of the last picture, which stands on, go with it however many they are: it is sent once.
    """
    moving = [sample for sample in samples if not sample.held]
    starts = range(0, len(moving), batch_size)
    parts = [moving[start : start + batch_size] for start in starts] or [[]]
    parts[-1] = parts[-1] + [sample for sample in samples if sample.held]
    return [PictureBatch(number, tuple(part)) for number, part in enumerate(parts) if part]


def check_crop(crop: Crop | None, width: int, height: int) -> None:
    """Raises `UsageError` where the crop reaches out of the picture."""
    if crop and (crop.x + crop.width > width or crop.y + crop.height > height):
        raise UsageError(
            f"--crop {crop.x},{crop.y},{crop.width},{crop.height}: reaches out of the picture, "
            f"which has {width} × {height} pixels"
        )
