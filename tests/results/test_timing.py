"""What the document says of a stage's time, from meters whose clock is told."""

from types import SimpleNamespace
from typing import Any

from framefleet.fleet.meter import Meter
from framefleet.results.timing import stage_timing


def metered(*changes: tuple[float, int]) -> Meter:
    """A meter that saw so many blocks begin (+1) and end (-1) at these times."""
    now = 0.0
    meter = Meter(lambda: now)
    for time, by in changes:
        now = time
        meter.begin() if by > 0 else meter.end()
    return meter


def test_what_waits_is_what_is_in_hand_and_not_asked_about() -> None:
    asked = metered((1.0, +1), (3.0, -1), (5.0, +1), (9.0, -1))
    asked.count(12)
    in_hand = metered((1.0, +1), (1.0, +1), (3.0, -1), (9.0, -1))
    stage: Any = SimpleNamespace(asked=asked, in_hand=in_hand)
    timing = stage_timing(stage)
    assert (timing.busy_s, timing.waiting_s) == (6.0, 2.0)
    assert (timing.done, timing.per_s) == (12.0, 2.0)
    assert timing.queue_mean == (2 * 2 + 6 - 6) / 8


def test_a_stage_that_had_nothing_to_do_has_no_queue() -> None:
    stage: Any = SimpleNamespace(asked=Meter(), in_hand=Meter())
    timing = stage_timing(stage)
    assert (timing.busy_s, timing.done, timing.per_s, timing.queue_mean) == (0.0, None, None, None)
