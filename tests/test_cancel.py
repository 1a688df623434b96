"""A scope tells all who take part that they are to end: once, for the first reason, however often and from anywhere."""

import signal
import threading
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.cancel import DRAIN_S, CancelScope
from framefleet.errors import BudgetError, CancelledError, FrameFleetError, StalledError
from tests.fleet.test_retry import Time


def test_nothing_is_cancelled_before_somebody_does() -> None:
    scope = CancelScope()
    scope.check()
    scope.sleep(0)
    assert not scope.wait(0)
    assert (scope.cancelled, scope.closing, scope.error, scope.drain_left_s) == (False, False, None, inf)


def test_it_raises_an_error_of_ours_and_the_first_reason_stays() -> None:
    scope = CancelScope()
    scope.cancel()
    scope.cancel(StalledError("nothing moves"))
    for raising in (scope.check, lambda: scope.sleep(1e9)):
        with pytest.raises(CancelledError, match="cancelled"):
            raising()
    assert issubclass(CancelledError, FrameFleetError)


def test_what_is_under_way_is_heard_until_its_drain_is_over() -> None:
    time = Time()
    scope = CancelScope(clock=time)
    scope.cancel(drain_s=3)
    time.now = 2
    assert scope.drain_left_s == 1
    scope.cancel(drain_s=60)  # no longer than was said before
    assert scope.drain_left_s == 1
    time.now = 9
    assert scope.drain_left_s == 0


def test_an_endless_drain_cuts_nothing_short_until_somebody_cancels_again() -> None:
    scope, woken = CancelScope(), list[str]()
    with scope.on_cancel(lambda: woken.append("new")), scope.on_cancel(lambda: woken.append("old"), under_way=True):
        scope.cancel(BudgetError("too dear"), drain_s=inf)
        assert woken == ["new"]
        scope.check(under_way=True)
        assert not scope.wait(0, under_way=True)
        with pytest.raises(BudgetError):
            scope.check()
        scope.cancel(CancelledError("enough"))
        assert woken == ["new", "old"]
    with pytest.raises(BudgetError):
        scope.check(under_way=True)


def test_whoever_sleeps_is_woken_from_another_thread() -> None:
    scope, heard = CancelScope(), list[FrameFleetError]()

    def sleeping() -> None:
        try:
            scope.sleep(1e9)
        except CancelledError as error:
            heard.append(error)

    threads = [threading.Thread(target=sleeping) for _ in range(3)]
    for thread in threads:
        thread.start()
    while len(scope._callbacks) < 3:
        pass
    scope.cancel()
    for thread in threads:
        thread.join(30)
    assert heard == [scope.error] * 3


def test_a_callback_is_called_once_and_at_once_where_it_comes_too_late() -> None:
    scope, called = CancelScope(), list[int]()
    with scope.on_cancel(lambda: called.append(0)):
        pass
    with scope.on_cancel(lambda: called.append(1)):
        scope.cancel()
        scope.cancel()
    with scope.on_cancel(lambda: called.append(2)):
        assert called == [1, 2]


def test_a_child_ends_with_any_parent_and_alone() -> None:
    one, other = CancelScope(), CancelScope()
    both, late = CancelScope(one, other), None
    alone = one.child()
    alone.cancel(StalledError("nothing moves"))
    assert not one.cancelled
    other.cancel(CancelledError("the other"))
    late = other.child()
    assert (str(both.error), str(late.error), one.cancelled) == ("the other", "the other", False)
    one.cancel()
    assert isinstance(alone.error, StalledError)


def test_a_parent_shortens_the_drain_of_a_child_that_has_ended() -> None:
    parent = CancelScope()
    child = parent.child()
    child.cancel(BudgetError("too dear"), drain_s=inf)
    assert not child.closing
    parent.cancel()
    assert child.closing
    assert child.drain_left_s <= DRAIN_S


def test_a_scope_keeps_no_child_that_nobody_else_does() -> None:
    scope = CancelScope()
    scope.child()
    assert len(scope._children) == 0


def test_a_signals_handler_may_cancel_whatever_its_thread_is_at() -> None:
    scope = CancelScope()
    before = signal.signal(signal.SIGINT, lambda *_: scope.cancel())
    try:
        with scope._lock:
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert scope.cancelled


@given(st.lists(st.floats(0, 100), min_size=1), st.integers(0, 3))
def test_the_shortest_drain_counts_at_any_depth(drains: list[float], depth: int) -> None:
    time = Time()
    root = scope = CancelScope(clock=time)
    scopes = [root] + [scope := scope.child() for _ in range(depth)]
    for drain_s in drains:
        root.cancel(drain_s=drain_s)
    assert [one.drain_left_s for one in scopes] == [min(drains)] * len(scopes)
