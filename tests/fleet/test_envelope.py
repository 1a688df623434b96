"""Nothing that only surrounds an answer costs it, and what is no answer is never taken for one."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.cancel import CancelScope
from framefleet.config.endpoints import Fleet, Secret
from framefleet.errors import (
    AuthError,
    BadReplyError,
    EndpointGoneError,
    JobLostError,
    NotDoneError,
    UnreachableError,
)
from framefleet.fleet.backends.base import Job
from framefleet.fleet.backends.envelope import LONGEST_MS, Unreadable, read
from framefleet.fleet.backends.runpod import backend as runpod
from framefleet.fleet.backends.runpod.backend import (
    REFUSALS,
    REFUSED_S,
    UNREAD_TRIES,
    RunPodBackend,
)
from framefleet.fleet.backends.runpod.job_api import (
    A_PAGE,
    HealthReply,
    JobStatus,
    translate,
)
from framefleet.protocol.envelope import Probe
from tests.fleet.test_retry import Time
from tests.fleet.test_runpod_api import answering

OUTPUT = {"model": "m", "frames": [{"label": "person", "confidence": 0.9}]}
BODY = json.dumps({"id": "j", "status": "COMPLETED", "executionTime": 100, "output": OUTPUT}).encode()


def said(content: bytes) -> JobStatus:
    return answering(content)[0].status("e", "j")


def with_field(name: str, value: str) -> bytes:
    return BODY[:-1] + f', "{name}": {value}}}'.encode()


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ('"100"', 100.0), ('"12.5"', 12.5), ("12.5", 12.5), ("null", None), ("-5", None), ("true", None), ("[1]", None),
        ('"soon"', None), ("1e308", None), ("NaN", None), ("Infinity", None), ("1e999", None),
        (str(LONGEST_MS), LONGEST_MS), ("[" * 100_000 + "]" * 100_000, None), ("0" * 30, None), ("9" * 5000, None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["executionTime", "delayTime"])
def test_times_are_taken_as_they_come(field: str, value: str, meant: float | None) -> None:
    content = f'{{"id": "j", "status": "COMPLETED", "{field}": {value}, "output": {{"a": 1}}}}'
    status = said(content.encode())
    assert (getattr(status, field), status.output, status.unread) == (meant, {"a": 1}, None)


@pytest.mark.parametrize(
    ("value", "meant"),
    [('"w"', "w"), ("7", "7"), ("null", None), ("[]", None), ("true", None), ('"\\ud800"', "\ufffd")],
)
def test_a_worker_s_name_may_be_a_number(value: str, meant: str | None) -> None:
    status = said(with_field("workerId", value))
    assert (status.workerId, status.output) == (meant, OUTPUT)


@pytest.mark.parametrize(
    "value",
    ["NaN", "-Infinity", "1e999", '"\\ud800"', '"\\udc00\\ud800"', "[" * 100_000 + "]" * 100_000,
     '{"a": ' * 5000 + "1" + "}" * 5000,
     '"\\\\ud800"', '"a\\"b{[,:"', '{"output": 1, "status": "FAILED"}', "[NaN, {\"x\": \"}\"}]"],
)  # fmt: skip
def test_an_unknown_field_costs_nothing_whatever_it_holds(value: str) -> None:
    status = said(with_field("novel", value))
    assert (status.status, status.output, status.executionTime) == ("COMPLETED", OUTPUT, 100)


def test_a_byte_order_mark_and_half_a_surrogate_pair_cost_nothing() -> None:
    assert said(b"\xef\xbb\xbf" + BODY).output == OUTPUT
    status = said(BODY.replace(b"person", b"\\ud800x \\\\ud800 \\ud83d\\ude00 \\udc00"))
    assert status.output["frames"][0]["label"] == "\ufffdx \\ud800 \U0001f600 \ufffd"


@pytest.mark.parametrize(
    "found", [b"NaN", b"Infinity", b"1e999", b"[" * 100_000 + b"]" * 100_000, b'"\xff"', b"0x1", b"'a'"]
)
def test_an_answer_that_is_no_json_is_not_read_and_all_else_is(found: bytes) -> None:
    status = said(BODY.replace(b"0.9", found))
    assert (status.status, status.output, status.executionTime) == ("COMPLETED", None, 100)
    assert status.unread


@pytest.mark.parametrize("cut", range(45, len(BODY), 7))
def test_an_answer_that_breaks_off_is_not_read(cut: int) -> None:
    status = said(BODY[:cut])
    assert (status.status, status.output) == ("COMPLETED", None)
    assert bool(status.unread) == (b'"output":' in BODY[:cut])


@pytest.mark.parametrize("content", [b"", b"[]", b"7", b"\xff\xfe\x00", b'{"id": "', b"{", b"[" * 3_000_000])
def test_what_is_no_object_is_no_status(content: bytes) -> None:
    with pytest.raises(BadReplyError) as caught:
        said(content)
    assert len(str(caught.value)) < 200


numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), json_values, min_size=1, max_size=6), st.integers(0, 6), st.booleans())
def test_member_by_member_the_same_is_read(members: dict[str, Any], place: int, escaped: bool) -> None:
    """The second way of reading, which a member that is no JSON forces, gives what the first one does."""
    parts = [json.dumps(key) + " : " + json.dumps(value, ensure_ascii=escaped) for key, value in members.items()]
    whole = ("{" + " , ".join(parts) + "}").encode("utf-8", "replace")
    if b"\\ud" in whole.lower():
        return
    odd = [*parts[:place], '"no JSON": NaN', *parts[place:]]
    found = read(("{" + ",".join(odd) + "}").encode())
    assert isinstance(found.pop("no JSON"), Unreadable)
    assert {k: v for k, v in found.items() if k != "no JSON"} == {
        k: v for k, v in msgspec.json.decode(whole).items() if k != "no JSON"
    }


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: ("{" + text).encode()))
def test_whatever_comes_is_read_or_refused(content: bytes) -> None:
    try:
        assert isinstance(read(content), dict)
    except Unreadable as error:
        assert str(error)


def test_health_is_taken_as_it_comes() -> None:
    health = b'{"jobs": {"inQueue": "3", "x": null, "y": -1}, "workers": {"running": 2.0, "z": NaN}, "novel": []}'
    assert answering(health)[0].health("e") == HealthReply(jobs={"inQueue": 3, "x": 0, "y": 0}, workers={})
    assert answering(b'{"workers": {"idle": 1}}')[0].health("e").workers == {"idle": 1}
    assert answering(b"{}")[0].health("e") == HealthReply()


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><html>", b"\n  <html>log in", b"\xef\xbb\xbf<?xml", b"<"])
def test_a_web_page_is_not_the_service_and_nobody_is_paid_for_it(page: bytes) -> None:
    for ask in (answering(page)[0].run, answering(page)[0].runsync):
        with pytest.raises(BadReplyError) as caught:
            ask("e", b"{}")
        assert A_PAGE in str(caught.value)
        assert not caught.value.paid
    assert A_PAGE in str(translate(404, "status/j", "e", page))  # and not a job that is lost


@pytest.mark.parametrize(
    ("status", "content", "kind", "words"),
    [
        (402, b"", AuthError, "nothing left to spend"),
        (400, b'{"error": "Insufficient balance"}', AuthError, "nothing left to spend"),
        (403, b'{"error": "insufficient_funds"}', AuthError, "nothing left to spend"),
        (403, b'{"error": "insufficient permissions"}', AuthError, "refuses the key"),
        (407, b"", UnreachableError, "proxy"),
        (511, b"<html>", UnreachableError, "log in"),
        (302, b"", UnreachableError, "log in"),
        (409, b"", UnreachableError, "409"),
        (520, b"<html>", UnreachableError, "520"),
        (524, b"<html>", UnreachableError, "524"),
        (530, b"<html>", UnreachableError, "530"),
    ],
)
def test_each_status_is_named_as_what_it_is(status: int, content: bytes, kind: Any, words: str) -> None:
    error = translate(status, "run", "e", content)
    assert type(error) is kind
    assert words in str(error)


@pytest.mark.parametrize(
    ("said", "after_s"),
    [("7", 7), ("soon", 0), ("", 0), ("-3", 0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("9" * 50, 999999999)],
)
def test_how_long_to_wait_is_heard(said: str, after_s: float) -> None:
    error = translate(429, "run", "e", b"", {"retry-after": said})
    assert error.after_s == after_s  # type: ignore[attr-defined]


# The backend on such a service


class Service:
    """RunPod's API, each call answered by the next of `answers`, the last one again and again."""

    transfers = 0

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.workers = {"idle": 1, "running": 0}

    def _next(self, kind: str) -> JobStatus:
        self.asked.append(kind)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return JobStatus(**{"id": "j"} | answer)

    def run(self, endpoint_id: str, body: bytes) -> JobStatus:
        return self._next("run")

    def status(self, endpoint_id: str, job_id: str) -> JobStatus:
        return self._next("status")

    def cancel(self, endpoint_id: str, job_id: str) -> JobStatus:
        self.asked.append("cancel")
        return JobStatus(id=job_id, status="CANCELLED")

    def health(self, endpoint_id: str) -> HealthReply:
        return HealthReply(workers=self.workers)


JOB = Job("yolo", "j")
DONE = {"status": "COMPLETED", "output": {}, "executionTime": 5.0}
UNREAD = {"status": "COMPLETED", "unread": "it breaks off", "executionTime": 5.0, "workerId": "w"}
AT_WORK = {"status": "IN_PROGRESS"}


def backed(*answers: Any, patience_s: float = 300.0) -> tuple[RunPodBackend, Service, Time]:
    time, service = Time(), Service(*answers)
    fleet = Fleet(endpoints={"yolo": "x"}, api_key=Secret("k"))
    backend = RunPodBackend(fleet, clock=time, sleep=time.sleep, patience_s=patience_s)
    backend._api, backend._submit = service, service.run  # type: ignore[assignment]
    return backend, service, time


def test_what_cannot_be_read_is_looked_at_again_and_then_asked_anew_and_counted() -> None:
    backend, _, _ = backed(UNREAD, UNREAD, DONE)
    assert backend.wait(JOB, 1e9).output == {}
    backend, service, time = backed(UNREAD)
    with pytest.raises(BadReplyError, match="cannot be read: it breaks off") as caught:
        backend.wait(JOB, 1e9)
    assert (len(service.asked), caught.value.counted, caught.value.job_over) == (UNREAD_TRIES, True, True)
    assert time.now < 1
    assert caught.value.receipt.execution_ms == 5


def test_what_cannot_be_read_is_no_endless_race() -> None:
    backend, _, _ = backed(UNREAD)
    for _ in range(UNREAD_TRIES - 1):
        with pytest.raises(NotDoneError):
            backend.wait(JOB, 0)
    with pytest.raises(BadReplyError):
        backend.wait(JOB, 0)


@pytest.mark.parametrize("refusal", [AuthError("403"), EndpointGoneError("404")])
def test_one_refusal_after_a_good_answer_is_a_hiccup(refusal: Any) -> None:
    backend, _, _ = backed(AT_WORK, refusal, refusal, DONE)
    assert backend.wait(JOB, 1e9).output == {}


def test_a_key_that_was_revoked_ends_the_run_soon() -> None:
    backend, service, time = backed(AT_WORK, AuthError("RunPod refuses the key (401)"))
    with pytest.raises(AuthError):
        backend.wait(JOB, 1e9)
    assert REFUSED_S <= time.now < REFUSED_S + 3
    assert len(service.asked) > REFUSALS


@pytest.mark.parametrize("refusal", [AuthError("401"), EndpointGoneError("404")])
def test_a_key_that_was_never_good_ends_the_run_at_once(refusal: Any) -> None:
    backend, service, _ = backed(refusal)
    with pytest.raises(type(refusal)):
        backend.submit("yolo", Probe())
    assert service.asked == ["run"]


def test_one_404_for_a_job_is_a_hiccup() -> None:
    backend, _, time = backed(AT_WORK, JobLostError("404"), DONE)
    time.now = 100
    assert backend.wait(JOB, 1e9).output == {}
    backend, _, time = backed(AT_WORK, JobLostError("404"))
    with pytest.raises(JobLostError):
        backend.wait(JOB, 1e9)
    assert time.now < runpod.FRESH_S + 1


def looking(backend: RunPodBackend, time: Time, every_s: float = 5.0) -> None:
    """Looks at health every few seconds of sleeping, as a watch does."""
    last = [0.0]

    def sleep(seconds: float) -> None:
        time.sleep(seconds)
        if time.now - last[0] >= every_s:
            last[0] = time.now
            backend.health("yolo")

    backend._sleep = sleep


def test_a_job_at_work_that_no_worker_has_is_cancelled_and_lost() -> None:
    backend, service, time = backed(AT_WORK)
    looking(backend, time)
    with pytest.raises(JobLostError, match="no worker has it any more") as caught:
        backend.wait(JOB, 1e9)
    assert runpod.STUCK_S <= time.now <= runpod.STUCK_S + 10
    assert service.asked[-1] == "cancel"
    assert caught.value.job_over


def test_a_job_at_work_on_a_worker_is_waited_for_as_long_as_it_may_run() -> None:
    backend, service, time = backed(AT_WORK)
    service.workers = {"idle": 0, "running": 1}
    looking(backend, time)
    with pytest.raises(JobLostError):
        backend.wait(JOB, 1e9)
    assert time.now >= runpod.EXECUTION_TIMEOUT_MS / 1000


def test_health_that_does_not_count_who_runs_says_nothing_of_jobs() -> None:
    backend, service, time = backed(*[AT_WORK] * 60, DONE)
    service.workers = {"idle": 3}
    looking(backend, time)
    assert backend.wait(JOB, 1e9).output == {}
    assert time.now > runpod.STUCK_S


def test_a_job_that_others_overtook_long_ago_is_lost_though_they_go_on() -> None:
    backend, service, time = backed(AT_WORK)
    service.workers = {"idle": 0, "running": 3}
    polling = backend._polling["yolo"]
    for _ in range(10):
        polling.finished(1.0)
    looking(backend, time)
    backend._sleep, sleep = (lambda seconds: (polling.finished(1.0), sleep(seconds))), backend._sleep  # type: ignore[assignment]
    with pytest.raises(JobLostError):
        backend.wait(JOB, 1e9)
    assert time.now < 200


def test_failed_jobs_teach_how_long_jobs_take() -> None:
    backend, service, _ = backed({"status": "FAILED"})
    for _ in range(3):
        service.answers = [*[AT_WORK] * 5, {"status": "FAILED", "error": "x"}]
        with pytest.raises(Exception, match="x"):
            backend.wait(JOB, 1e9)
    assert backend._polling["yolo"].count == 3
    assert backend._polling["yolo"].interval(0) > 0.02


def test_what_keeps_an_endpoint_from_being_asked_is_told() -> None:
    away = UnreachableError("the service answered 503")
    backend, service, _ = backed(away, {"status": "IN_QUEUE"})
    assert backend.trouble("yolo", False) is None
    with pytest.raises(UnreachableError):
        backend.submit("yolo", Probe())
    assert backend.trouble("yolo", False) is away
    assert backend.trouble("yolo", True) is None  # what was taken is heard of
    backend.submit("yolo", Probe())
    assert backend.trouble("yolo", False) is None
    service.answers = [away]
    ended = CancelScope()
    ended.cancel(drain_s=0)
    with pytest.raises(NotDoneError):
        backend.wait(JOB, 1e9, ended)
    assert backend.trouble("yolo", True) is away
