"""What requests went through, from what the service says of each."""

from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from framefleet.fleet.backends.base import Receipt
from framefleet.fleet.billing.usage import JobUsage
from framefleet.results.timing.requests import RequestTiming, sum_up


def charge(
    submitted_s: float | None, delay_s: float, ran_s: float, worker: str = "a", *, hedged: bool = False
) -> JobUsage:
    return JobUsage(submitted_s, Receipt(worker, delay_s * 1000, ran_s * 1000), hedged=hedged)


def summed(
    *charges: JobUsage, busy_s: float = 10, asked_s: float = 10, places: int | None = 5, probes: int = 0
) -> RequestTiming:
    return sum_up(charges, busy_s=busy_s, asked_s=asked_s, queue=0, places=places, ceiling=True, probes=probes)


def test_the_wait_for_a_worker_to_start_is_told_from_the_wait_behind_others() -> None:
    """One worker is up after 5 s and takes one second for each of three; a second one is up at 6.5 s."""
    asked = summed(charge(1, 4, 1), charge(1, 5, 1), charge(2, 5, 1), charge(3, 3.5, 1, "b"))
    assert asked.start_s == 4
    assert asked.starting_s == 4 + 4 + 3 + 3.5
    assert asked.queued_s == 0 + 1 + 2
    assert asked.warmable_s == 1 + 1 + 2 + 3
    assert (asked.count, asked.workers, asked.ran_s, asked.longest_s) == (4, 2, 4, 6)


def test_workers_that_are_up_only_make_wait_behind_others() -> None:
    asked = summed(charge(0, 0, 1), charge(0, 1, 1), charge(1.5, 0.5, 1))
    assert (asked.starting_s, asked.queued_s) == (0, 1.5)


def test_what_is_no_work_of_this_run_is_not_counted() -> None:
    """Probes that woke the workers, second sendings that lost, and jobs of an earlier run."""
    probe = charge(0.1, 5, 0)
    asked = summed(probe, charge(1, 4.5, 1), charge(1, 0, 9, hedged=True), charge(None, 0, 7), probes=1)
    assert (asked.count, asked.ran_s, asked.queued_s) == (1, 1, approx(0.4))
    assert asked.starting_s == approx(4.1), "it waited for the worker that the probe woke"
    assert summed() == RequestTiming(0, 5, 1, 10, 10)


def test_what_requests_need_is_what_they_take_in_rounds_and_no_less_than_the_longest() -> None:
    assert RequestTiming(6, 5, 5, busy_s=9, asked_s=6, longest_s=1).needs_s == 2
    assert RequestTiming(5, 5, 5, busy_s=9, asked_s=6, longest_s=4).needs_s == 4
    assert RequestTiming(6, 5, 5, busy_s=1.8, asked_s=6, longest_s=1).needs_s == 1.8, "it was busy no longer"
    assert RequestTiming(0, 5, 1, busy_s=3, asked_s=3).needs_s == 3
    assert summed(charge(0, 0, 1), charge(0, 0, 1, "b"), places=None).places == 4


def test_workers_are_idle_while_they_are_up_and_nothing_runs() -> None:
    assert RequestTiming(9, 5, 2, busy_s=10, asked_s=50, ran_s=5).idle == 0.75
    assert RequestTiming(9, 5, 2, busy_s=10, asked_s=50, starting_s=10, ran_s=5).idle == 0.5
    assert RequestTiming(9, 5, 1, busy_s=10, asked_s=50, starting_s=30, ran_s=5).idle == 0


def test_what_is_shared_shows_in_how_long_sending_takes() -> None:
    """Of two that take turns for half of their time each one finds the other there a third of the time longer."""
    two = RequestTiming(100, 2, 2, busy_s=100, asked_s=200, ran_s=50, send_s=0.75, alone_s=0.5)
    assert (two.crowding, two.shared, two.on_the_way) == (1.5, approx(2 / 3), 0.75)
    jitter = RequestTiming(100, 2, 2, busy_s=100, asked_s=200, ran_s=190, send_s=0.006, alone_s=0.002)
    assert (jitter.crowding, jitter.shared) == (1, 0), "next to nothing of a request's time"
    alone = RequestTiming(100, 1, 1, busy_s=100, asked_s=100, ran_s=50, send_s=0.5, alone_s=0.5)
    assert alone.shared == 0.5, "nobody can be in its way, and nobody knows"


def test_the_quickest_of_the_first_half_was_sent_alone() -> None:
    """The last request may carry less than the others."""
    charges = [charge(n, 0, 1) for n in range(4)]
    asked = sum_up(
        charges, busy_s=4, asked_s=4, queue=0, places=1, ceiling=True, sending=[3.0, 2.0, 4.0, 1.0], held_s=1.5, cpu=0.5
    )
    assert (asked.send_s, asked.alone_s, asked.held_s, asked.cpu) == (2.5, 2.0, 1.5, 0.5)


def test_what_workers_cost_and_how_long_they_take_to_start() -> None:
    asked = summed(charge(0, 20, 1), charge(1, 20, 1), charge(3, 17.5, 4, "b"))
    assert asked.cold_s == 20, "the first of the worker's own"
    assert asked.early_s == 3, "of the second worker"
    assert asked.billed_s == (2 + 5) + (4 + 5)


def test_the_service_s_rate_is_used_up_where_requests_waited_for_it() -> None:
    asked = RequestTiming(900, 20, 20, busy_s=20, asked_s=400, ran_s=180)
    assert asked.service == approx(3 * 45 / 180)
    assert RequestTiming(900, 20, 20, busy_s=20, asked_s=400, ran_s=180, held_s=200).service == 1


times = st.floats(0, 100)
charges = st.builds(charge, times, times, times, st.sampled_from("abc"))


@given(st.lists(charges, max_size=30), times)
def test_every_wait_is_for_something_and_none_is_counted_twice(of: list[JobUsage], busy_s: float) -> None:
    asked = summed(*of, busy_s=busy_s)
    assert asked.starting_s + asked.queued_s == approx(sum(c.receipt.delay_ms for c in of) / 1000)
    assert 0 <= asked.warmable_s <= asked.starting_s
    assert asked.queued_s >= -1e-6
    assert 0 <= asked.needs_s <= busy_s
    assert 0 <= asked.idle <= 1


@given(st.lists(charges, min_size=1, max_size=10), st.randoms(use_true_random=False))
def test_the_order_of_answers_makes_no_difference(of: list[JobUsage], rng: object) -> None:
    shuffled = list(of)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = summed(*of), summed(*shuffled)
    assert (one.starting_s, one.queued_s, one.ran_s) == approx((other.starting_s, other.queued_s, other.ran_s))
