from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.errors import WorkerError
from framefleet.stages.objects.worker.engines.base import DetectionSettings
from framefleet.stages.objects.worker.handler import detect_in_memory

SETTINGS = DetectionSettings(imgsz=416)


class SmallMemory:
    """A detector that holds `most` pictures at once and finds each one's number."""

    def __init__(self, most: int, error: str = "out_of_memory") -> None:
        self.most = most
        self.error = error
        self.tried: list[int] = []

    def detect(self, pictures: Sequence[Any], settings: DetectionSettings) -> list[Any]:
        self.tried.append(len(pictures))
        if len(pictures) > self.most:
            raise WorkerError(self.error, "too much")
        return [picture[0, 0] for picture in pictures]


def pictures(count: int) -> list[Any]:
    return [np.full((1, 1, 3), n) for n in range(count)]


@given(st.integers(0, 40), st.integers(1, 40))
def test_every_picture_is_answered_once_in_order_whatever_fits(count: int, most: int) -> None:
    engine: Any = SmallMemory(most)
    found, max_batch = detect_in_memory(engine, pictures(count), SETTINGS)
    assert [boxes[0] for boxes in found] == list(range(count))
    assert max_batch is None if count <= most else max_batch is not None and 1 <= max_batch <= most


def test_one_picture_that_does_not_fit_is_an_error() -> None:
    engine: Any = SmallMemory(0)
    with pytest.raises(WorkerError) as caught:
        detect_in_memory(engine, pictures(4), SETTINGS)
    assert caught.value.type == "out_of_memory"
    assert engine.tried == [4, 2, 1]


def test_another_error_is_not_halved() -> None:
    engine: Any = SmallMemory(1, error="unsupported")
    with pytest.raises(WorkerError):
        detect_in_memory(engine, pictures(4), SETTINGS)
    assert engine.tried == [4]
