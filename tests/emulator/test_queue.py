"""Jobs' states, deadlines and retention, on a clock that the test moves."""

from typing import Any

import pytest

from framefleet.emulator import limits
from framefleet.emulator.endings import HandlerOutcome
from framefleet.emulator.runners import ProgressKind

from .bare import Bare


def told(endpoint: Bare, id: str) -> dict[str, Any]:
    status = endpoint.status(id)
    assert status is not None
    return status


def test_a_jobs_way_from_the_queue_to_its_output() -> None:
    endpoint = Bare()
    id = endpoint.add({"a": 1})
    assert told(endpoint, id) == {"id": id, "status": "IN_QUEUE"}
    endpoint.hand.now = 2.0
    task = endpoint.begin()
    assert bytes(task.input) == b'{"a":1}'
    assert told(endpoint, id) == {"id": id, "status": "IN_PROGRESS", "delayTime": 2000, "workerId": "worker-0"}
    endpoint.hand.now = 2.5
    endpoint.finish(task, {"frames": []})
    assert endpoint.output(id) == {"frames": []}
    assert told(endpoint, id) | {"output": None} == {
        "id": id,
        "status": "COMPLETED",
        "delayTime": 2000,
        "executionTime": 500,
        "workerId": "worker-0",
        "output": None,
    }


def test_jobs_are_worked_off_first_come_first_served() -> None:
    endpoint = Bare()
    ids = [endpoint.add() for _ in range(4)]
    order = []
    while (task := endpoint.take_any()) is not None:
        order.append(task.job.id)
        endpoint.finish(task)
    assert order == ids


def test_an_error_fails_the_job() -> None:
    endpoint = Bare()
    id = endpoint.add()
    endpoint.finish(endpoint.begin(), error="invalid_input: no frames")
    assert told(endpoint, id)["status"] == "FAILED"
    assert told(endpoint, id)["error"] == "invalid_input: no frames"


def test_a_result_over_the_limit_is_lost() -> None:
    endpoint = Bare()
    ids = [endpoint.add(), endpoint.add()]
    endpoint.finish(endpoint.begin(), "x" * (limits.RESULT - 2))
    endpoint.finish(endpoint.begin(), "x" * (limits.RESULT - 1))
    assert "output" in told(endpoint, ids[0])
    assert told(endpoint, ids[1])["status"] == "COMPLETED"
    assert "output" not in told(endpoint, ids[1])


def test_a_job_that_runs_too_long_times_out_and_costs_its_worker() -> None:
    endpoint = Bare()
    id = endpoint.add(execution_timeout_s=10)
    task = endpoint.begin()
    endpoint.hand.now = 9.9
    assert endpoint.state(id) == "IN_PROGRESS"
    endpoint.hand.now = 30.0
    assert told(endpoint, id)["executionTime"] == 10_000
    assert endpoint.state(id) == "TIMED_OUT"
    assert endpoint.bill.shifts[0].stopped == 10.0, "not when somebody looked"
    assert len(endpoint.hired) == 2
    endpoint.finish_late(task)
    assert endpoint.state(id) == "TIMED_OUT"


@pytest.mark.parametrize("running", [False, True])
def test_a_job_that_outlives_its_ttl_is_gone(running: bool) -> None:
    endpoint = Bare()
    id = endpoint.add(ttl_s=20)
    if running:
        endpoint.begin()
    endpoint.hand.now = 19.9
    assert endpoint.state(id) == ("IN_PROGRESS" if running else "IN_QUEUE")
    endpoint.hand.now = 20.0
    assert endpoint.state(id) is None
    assert endpoint.take_any() is None
    assert endpoint.health()["jobs"]["inQueue"] == 0


@pytest.mark.parametrize("kept_s", [limits.KEPT_AFTER_RUN_S, limits.KEPT_AFTER_RUNSYNC_S])
def test_a_result_is_kept_for_so_long_after_the_jobs_end(kept_s: float) -> None:
    endpoint = Bare()
    id = endpoint.add(kept_s=kept_s)
    endpoint.hand.now = 100.0
    endpoint.finish(endpoint.begin())
    endpoint.hand.now = 100.0 + kept_s - 0.1
    assert endpoint.state(id) == "COMPLETED"
    endpoint.hand.now = 100.0 + kept_s
    assert endpoint.state(id) is None
    assert endpoint.health()["jobs"]["completed"] == 1


def test_cancelling_keeps_a_job_from_running() -> None:
    endpoint = Bare()
    id = endpoint.add()
    assert endpoint.cancel(id) == {"id": id, "status": "CANCELLED"}
    assert endpoint.take_any() is None
    assert told(endpoint, id) == {"id": id, "status": "CANCELLED"}


def test_a_cancelled_job_that_runs_has_no_output_and_its_worker_stays_busy_until_the_handler_is_done() -> None:
    endpoint = Bare()
    id = endpoint.add()
    task = endpoint.begin()
    endpoint.cancel(id)
    assert endpoint.health()["workers"]["running"] == 1
    endpoint.finish(task)
    assert endpoint.state(id) == "CANCELLED"
    assert endpoint.health()["workers"]["running"] == 0


def test_cancelling_what_is_over_changes_nothing() -> None:
    endpoint = Bare()
    id = endpoint.add()
    endpoint.finish(endpoint.begin())
    assert endpoint.cancel(id) == {"id": id, "status": "COMPLETED"}
    assert endpoint.cancel("nobody") is None


@pytest.mark.parametrize("how", ["FAILED", "TIMED_OUT"])
def test_retrying_runs_the_same_request_again_under_the_same_id(how: str) -> None:
    endpoint = Bare()
    id = endpoint.add({"a": 1}, execution_timeout_s=5)
    task = endpoint.begin()
    if how == "FAILED":
        endpoint.finish(task, error="broke")
    endpoint.hand.now = 6.0
    assert endpoint.state(id) == how
    assert endpoint.retry(id) == {"id": id, "status": "IN_QUEUE"}
    again = endpoint.begin()
    assert bytes(again.input) == b'{"a":1}'
    endpoint.finish(again)
    assert endpoint.state(id) == "COMPLETED"
    assert endpoint.health()["jobs"] == {"completed": 1, "failed": 0, "inProgress": 0, "inQueue": 0, "retried": 1}


def test_only_what_failed_can_be_retried() -> None:
    endpoint = Bare()
    id = endpoint.add()
    assert "error" in (endpoint.retry(id) or {})
    assert endpoint.retry("nobody") is None


def test_an_old_deadline_does_not_touch_a_retried_job() -> None:
    endpoint = Bare()
    id = endpoint.add(execution_timeout_s=10, ttl_s=15)
    endpoint.finish(endpoint.begin(), error="broke")
    endpoint.hand.now = 9.0
    endpoint.retry(id)
    endpoint.begin()
    endpoint.hand.now = 16.0
    assert endpoint.state(id) == "IN_PROGRESS"


def test_purging_cancels_what_waits_and_leaves_what_runs() -> None:
    endpoint = Bare()
    ids = [endpoint.add() for _ in range(3)]
    endpoint.begin()
    assert endpoint.purge() == {"removed": 2, "status": "completed"}
    assert [endpoint.state(id) for id in ids] == ["IN_PROGRESS", "CANCELLED", "CANCELLED"]


def test_a_worker_that_dies_gives_its_job_back_until_that_happened_too_often() -> None:
    endpoint = Bare()
    id = endpoint.add()
    for _ in range(4):
        task = endpoint.begin()
        endpoint.conclude(next(w for w in endpoint.hired if w.job is task.job and not w.stopped), task.job, None)
    assert endpoint.state(id) == "FAILED"
    assert len(endpoint.hired) == 5


def test_the_memory_of_requests_is_freed_when_they_are_over() -> None:
    endpoint = Bare()
    endpoint.add()
    task = endpoint.begin()
    endpoint.finish(task)
    assert task.job.input == b""


def test_how_far_a_job_is_shows_until_it_is_over() -> None:
    endpoint = Bare()
    id = endpoint.add()
    task = endpoint.begin()
    endpoint.tell(endpoint.hired[0], task.job, ProgressKind.PROGRESS, b'"half"')
    assert (told(endpoint, id)["status"], endpoint.output(id)) == ("IN_PROGRESS", "half")
    endpoint.finish(task, "whole")
    endpoint.tell(endpoint.hired[0], task.job, ProgressKind.PROGRESS, b'"late"')
    assert endpoint.output(id) == "whole"


def test_a_part_is_streamed_once_and_those_of_a_worker_that_died_are_forgotten() -> None:
    endpoint = Bare(most=2)
    id = endpoint.add()
    task = endpoint.begin()
    endpoint.tell(endpoint.hired[0], task.job, ProgressKind.STREAMED, b"1")
    assert [bytes(part["output"]) for part in (endpoint.stream(id) or {})["stream"]] == [b"1"]
    endpoint.tell(endpoint.hired[0], task.job, ProgressKind.STREAMED, b"2")
    endpoint.conclude(endpoint.hired[0], task.job, None)  # its worker died
    assert endpoint.stream(id) == {"status": "IN_QUEUE", "stream": []}
    assert endpoint.stream("unknown") is None


def test_a_worker_that_is_refreshed_stops_and_the_next_job_waits_for_another_to_start() -> None:
    endpoint = Bare(least=0, cold_start_s=3.0)
    first, second = endpoint.add(), endpoint.add()
    endpoint.hand.now = 3.0
    task = endpoint.begin()
    endpoint.conclude(endpoint.hired[0], task.job, HandlerOutcome(b'"done"', refresh=True))
    endpoint.release(endpoint.hired[0])
    assert (endpoint.output(first), endpoint.hired[0].stopped) == ("done", True)
    assert endpoint.take_any() is None, "the new one is starting"
    endpoint.hand.now = 6.0
    assert endpoint.begin().job.id == second
    assert endpoint.bill.seconds == 3 + 3


def test_whoever_waits_for_a_job_is_told_when_it_is_over_or_gone() -> None:
    endpoint, heard = Bare(), list[str]()
    done, waiting = endpoint.add(), endpoint.add(ttl_s=10.0)
    for id in (done, waiting, "unknown"):
        endpoint.when_over(id, lambda id=id: heard.append(id))
    assert heard == ["unknown"]
    endpoint.finish(endpoint.begin())
    assert heard == ["unknown", done]
    endpoint.when_over(done, lambda: heard.append("at once"))
    endpoint.hand.now = 11.0
    assert endpoint.status(waiting) is None
    assert heard == ["unknown", done, "at once", waiting]
