"""Slices cover a clip to its end, and a batch that does not fit goes through in halves."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.errors import WorkerError
from framefleet.stages.sounds.worker.handler import BATCH, classify, slice_starts


@given(st.integers(0, 500), st.integers(1, 60), st.integers(1, 90))
def test_slices_cover_the_clip(length, size, hop):
    starts = slice_starts(length, size, hop)
    assert (starts == []) == (length == 0)
    assert starts[:1] in ([], [0])
    assert all(0 < b - a <= hop for a, b in pairwise(starts))
    if length >= size:
        assert starts[-1] + size == length


def engine(fits):
    """Scores a slice by its first sample; has memory for `fits` slices."""
    passes = []

    def score(slices):
        passes.append(len(slices))
        if len(slices) > fits:
            raise WorkerError("out_of_memory", "CUDA out of memory")
        return slices[:, :1]

    return SimpleNamespace(classify=score, labels=["a"], passes=passes)


@pytest.mark.parametrize(("fits", "max_batch"), [(BATCH, None), (20, 16), (5, 4), (1, 1)])
def test_every_slice_is_scored_once_whatever_fits(fits, max_batch):
    audio = np.arange(70, dtype=np.float32)
    scores, most = classify(engine(fits), audio, range(69), 2)
    assert scores[:, 0].tolist() == list(range(69))
    assert most == max_batch


def test_slices_go_in_batches():
    all_fit = engine(BATCH)
    classify(all_fit, np.zeros(70, np.float32), range(69), 2)
    assert all_fit.passes == [32, 32, 5]


def test_not_even_one_fits():
    with pytest.raises(WorkerError, match="out of memory") as caught:
        classify(engine(0), np.zeros(70, np.float32), range(69), 2)
    assert caught.value.type == "out_of_memory"


def test_short_sound_is_followed_by_silence():
    seen = []
    hears = SimpleNamespace(classify=lambda slices: (seen.append(slices), slices[:, :1])[1], labels=["a"])
    classify(hears, np.ones(3, np.float32), [0], 5)
    assert seen[0].tolist() == [[1, 1, 1, 0, 0]]
