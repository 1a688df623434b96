"""The assignment of samples to requests. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from framefleet.errors import UsageError
from framefleet.media.types import Sample
from framefleet.schema.document import Crop


@dataclass(frozen=True, slots=True)
class PictureBatch:
    """The samples of one request, in the order of time."""

    number: int
    samples: tuple[Sample, ...]

    @property
    def units(self) -> float:
        return len(self.samples)


def batched(samples: Sequence[Sample], batch_size: int) -> list[PictureBatch]:
    """Return `samples` in their order, in batches of `batch_size`; the last has the remainder.

    Samples that hold the last frame all go into the batch with it, however many they are: the frame is sent once.
    """
    moving = [sample for sample in samples if not sample.held]
    starts = range(0, len(moving), batch_size)
    parts = [moving[start : start + batch_size] for start in starts] or [[]]
    parts[-1] = parts[-1] + [sample for sample in samples if sample.held]
    return [PictureBatch(number, tuple(part)) for number, part in enumerate(parts) if part]


def check_crop(crop: Crop | None, width: int, height: int) -> None:
    """Raise `UsageError` if the crop is not within the frame."""
    if crop and (crop.x + crop.width > width or crop.y + crop.height > height):
        raise UsageError(
            f"--crop {crop.x},{crop.y},{crop.width},{crop.height}: not within the frame of {width} × {height} pixels"
        )
