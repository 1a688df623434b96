import random

from hypothesis import given
from hypothesis import strategies as st

from framefleet.media.video.expected_frames import ExpectedFrames


def lost_of(packets, frames, delay=5):
    """What is told as lost where the decoder gives `frames` of `packets`, `delay` packets late."""
    promised, lost, coming = ExpectedFrames(), [], list(frames)
    for number, pts in enumerate(packets):
        promised.add(pts)
        while coming and number >= delay and coming[0] <= sorted(packets)[number - delay]:
            lost += promised.came(coming.pop(0), 10)
        lost += promised.overdue()
    for pts in coming:
        lost += promised.came(pts, 10)
    return lost + list(promised.rest())


@given(st.integers(1, 80), st.sets(st.integers(0, 79)), st.randoms(use_true_random=False))
def test_what_never_came_is_lost_and_nothing_else(count, missing, shuffler: random.Random):
    times = [10 * number for number in range(count)]
    packets = [t for at in range(0, count, 4) for t in shuffler.sample(times[at : at + 4], len(times[at : at + 4]))]
    frames = [t for t in times if t // 10 not in missing]
    assert lost_of(packets, frames) == [t for t in times if t not in frames]


def test_a_second_field_is_not_a_lost_frame():
    assert lost_of([0, 5, 10, 15, 20, 25], [0, 10, 20]) == []


def test_silence_is_told_before_the_file_ends_and_in_bounded_memory():
    promised = ExpectedFrames()
    lost = []
    for pts in range(10_000):
        promised.add(pts)
        lost += promised.overdue()
    assert len(lost) > 9_000
    assert lost + list(promised.rest()) == list(range(10_000))
