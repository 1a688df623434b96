"""Every status and body that the service can answer with, as one of our errors or a job's status."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from framefleet.config.endpoints import Secret
from framefleet.errors import (
    Advice,
    AuthError,
    BadReplyError,
    EndpointGoneError,
    FleetError,
    JobLostError,
    RateLimitedError,
    RefusedError,
    TooLargeError,
    UnreachableError,
)
from framefleet.fleet.backends.base import Job
from framefleet.fleet.backends.runpod.backend import failure
from framefleet.fleet.backends.runpod.job_api import (
    RUN_BODY_LIMIT,
    JobStatus,
    RunPodApi,
    translate,
)


@pytest.mark.parametrize(
    ("status", "route", "content", "kind", "advice"),
    [
        (400, "run", b"exceeded max body size of 10MiB", TooLargeError, Advice.SPLIT),
        (400, "run", b"bad request", RefusedError, Advice.GIVE_UP),
        (401, "run", b"", AuthError, Advice.GIVE_UP),
        (403, "health", b"", AuthError, Advice.GIVE_UP),
        (404, "run", b"", EndpointGoneError, Advice.GIVE_UP),
        (404, "status/j", b"", JobLostError, Advice.RETRY),
        (408, "run", b"", UnreachableError, Advice.RETRY),
        (413, "run", b"", TooLargeError, Advice.SPLIT),
        (429, "run", b"", RateLimitedError, Advice.WAIT),
        (302, "run", b"", UnreachableError, Advice.RETRY),
        (500, "run", b"", UnreachableError, Advice.RETRY),
        (502, "status/j", b"<html>", UnreachableError, Advice.RETRY),
    ],
)
def test_each_http_status_is_one_error(
    status: int, route: str, content: bytes, kind: type[FleetError], advice: Advice
) -> None:
    error = translate(status, route, "abc", content)
    assert type(error) is kind
    assert error.advice is advice


@given(st.integers(100, 599).filter(lambda s: s != 200), st.sampled_from(["run", "status/j"]), st.binary(max_size=300))
def test_any_http_status_is_an_error_of_one_line(status: int, route: str, content: bytes) -> None:
    assert "\n" not in str(translate(status, route, "abc", content))


errors = st.none() | st.text() | st.dictionaries(st.text(max_size=5), st.text(), max_size=3) | st.integers()


@given(st.sampled_from(["FAILED", "CANCELLED", "TIMED_OUT"]), errors, errors)
@example("FAILED", None, "\r")
@example("FAILED", {"message": " "}, None)
def test_however_a_job_fails_it_is_an_error_of_ours(state: str, error: Any, output: Any) -> None:
    told = failure(Job("yolo", "j"), JobStatus(id="j", status=state, error=error, output=output))
    assert isinstance(told, FleetError)
    assert str(told)


def test_the_package_wraps_an_exception_in_json_and_its_message_is_found() -> None:
    text = '{"error_type": "<class \'ValueError\'>", "error_message": "it broke", "error_traceback": "Traceback…"}'
    told = failure(Job("yolo", "j"), JobStatus(status="FAILED", error=text))
    assert str(told) == "it broke"


class Canned:
    """Answers every request with the same bytes."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.sent: list[bytes | None] = []

    def send(self, method: str, path: str, body: bytes | None = None, **_: Any) -> tuple[int, bytes]:
        self.sent.append(body)
        return 200, self.content


def answering(content: bytes) -> tuple[RunPodApi, Canned]:
    api, canned = RunPodApi("http://127.0.0.1:1", Secret("k")), Canned(content)
    api._http = canned  # type: ignore[assignment]
    return api, canned


@given(st.binary(max_size=200) | st.just(b"[" * 5000))
def test_any_body_is_read_or_refused(content: bytes) -> None:
    api, _ = answering(content)
    for call in (lambda: api.status("e", "j"), lambda: api.health("e"), lambda: api.run("e", b"{}")):
        try:
            call()
        except BadReplyError as error:
            assert "\n" not in str(error)


def test_a_body_over_the_limit_is_never_sent() -> None:
    api, canned = answering(b"{}")
    with pytest.raises(TooLargeError):
        api.run("e", b"x" * (RUN_BODY_LIMIT + 1))
    assert canned.sent == []
