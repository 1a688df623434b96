"""A meter against the plain sums it stands for."""

from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from framefleet.metrics import BusyTimer

blocks = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), min_size=1, max_size=12)


@given(blocks)
def test_times_are_those_of_the_blocks(blocks: list[tuple[int, int]]) -> None:
    spans = [(start, start + length) for start, length in blocks]
    now = 0.0
    meter = BusyTimer(lambda: now)
    for time in range(min(s for s, _ in spans), max(e for _, e in spans) + 1):
        now = float(time)
        for _ in range(sum(start == time for start, _ in spans)):
            meter.begin()
        for _ in range(sum(end == time for _, end in spans)):
            meter.end()
        assert meter.open == sum(start <= time < end for start, end in spans)
    covered = {second for start, end in spans for second in range(start, end)}
    span_s = max(e for _, e in spans) - min(s for s, _ in spans)
    assert meter.busy_s == approx(len(covered))
    assert meter.span_s == approx(span_s)
    assert meter.waiting_s == approx(span_s - len(covered))
    assert meter.area_s == approx(sum(end - start for start, end in spans))


def test_what_never_began_took_no_time() -> None:
    meter = BusyTimer()
    assert (meter.busy_s, meter.span_s, meter.waiting_s, meter.area_s, meter.done) == (0, 0, 0, 0, 0)
    meter.count(1.5)
    meter.count(2)
    assert meter.done == 3.5
