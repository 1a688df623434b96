"""The management API's calls: every answer becomes a value or one error of ours, and the key stays where it belongs."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framefleet.config.endpoints import Fleet, Secret
from framefleet.errors import (
    AuthError,
    BadReplyError,
    EndpointGoneError,
    FleetError,
    RateLimitedError,
    RefusedError,
    UnreachableError,
)
from framefleet.fleet.backends.runpod.management_api import ManageApi
from framefleet.fleet.deploy.endpoint import creation, make_spec
from tests.fleet.manage_service import Service, managing

KEY = "rpa_TESTKEY0123456789"
BODY = creation("yolo", "framefleet-yolo", make_spec({"image": "me/yolo:1"}, ["yolo"]))


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    with managing(KEY) as service:
        yield service


@pytest.fixture
def service(running: Service) -> Service:
    running.endpoints.clear()
    running.asked.clear()
    running.fail = None
    return running


def api(service: Service, key: str = KEY) -> ManageApi:
    return ManageApi(Fleet(api_key=Secret(key), manage_url=service.url))


def test_an_endpoint_is_made_listed_changed_and_deleted(service: Service) -> None:
    manage = api(service)
    made = manage.create(BODY)
    assert (made.name, made.image, made.workers.max, made.type) == ("framefleet-yolo", "me/yolo:1", 3, "QUEUE")
    assert manage.endpoints() == [made] and manage.get(made.id) == made
    assert manage.update(made.id, {"workers": {"max": 7}}).workers.max == 7
    assert manage.get(made.id).workers.min == 0
    manage.delete(made.id)
    assert manage.endpoints() == []
    with pytest.raises(EndpointGoneError, match=made.id):
        manage.get(made.id)
    with pytest.raises(EndpointGoneError):
        manage.delete(made.id)


def test_the_service_refuses_what_it_does_not_know_and_its_reason_is_told(service: Service) -> None:
    with pytest.raises(RefusedError, match="unknown field `workersMax`"):
        api(service).create(BODY | {"workersMax": 3})
    with pytest.raises(RefusedError, match="image is required"):
        api(service).create({key: value for key, value in BODY.items() if key != "image"})


def test_a_wrong_key_and_no_key(service: Service) -> None:
    with pytest.raises(AuthError, match="RUNPOD_API_KEY"):
        api(service, "rpa_OTHER").endpoints()
    with pytest.raises(AuthError, match="RUNPOD_API_KEY is not set"):
        ManageApi(Fleet())


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, RefusedError),
        (401, AuthError),
        (402, RefusedError),
        (403, AuthError),
        (404, EndpointGoneError),
        (408, UnreachableError),
        (409, RefusedError),
        (422, RefusedError),
        (429, RateLimitedError),
        (500, UnreachableError),
        (503, UnreachableError),
    ],
)
def test_every_status_is_one_error_of_ours(service: Service, status: int, error: type[FleetError]) -> None:
    service.fail = (status, b'{"title": "T", "status": 1, "detail": "the reason", "errors": ["more"]}', {})
    with pytest.raises(FleetError) as raised:
        api(service).get("abc")
    assert type(raised.value) is error
    assert "abc" in str(raised.value)
    if error is RefusedError:
        assert "the reason; more" in str(raised.value)


def test_a_redirect_is_not_followed(service: Service) -> None:
    with managing(KEY) as elsewhere:
        service.fail = (307, b"", {"Location": f"{elsewhere.url}/v2/serverless"})
        with pytest.raises(UnreachableError, match="307"):
            api(service).endpoints()
        assert elsewhere.asked == []


def test_nobody_there() -> None:
    with managing(KEY) as service:
        manage = api(service)
    with pytest.raises(UnreachableError, match="cannot be reached") as caught:
        manage.endpoints()
    assert caught.value.hint == "check the address, and that it is running"  # of the connection, kept on the way


def test_a_reason_cannot_bring_the_key_or_terminal_codes(service: Service) -> None:
    service.fail = (400, json.dumps({"detail": f"\x1b[31mkey {KEY} is odd\n" + "x" * 999}).encode(), {})
    with pytest.raises(RefusedError) as raised:
        api(service).endpoints()
    assert KEY not in str(raised.value) and "\x1b" not in str(raised.value)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize("id", ["../../graphql", "a b", "", 'x"\nkey = 1', "é"])
def test_an_id_that_is_no_name_is_not_taken_from_the_service(service: Service, id: str) -> None:
    answer: dict[str, Any] = {"id": id, "name": "n", "workers": {"min": 0, "max": 1}, "scaling": {}}
    service.fail = (200, json.dumps(answer).encode(), {})
    with pytest.raises(BadReplyError):
        api(service).get("abc")


@pytest.mark.full
@given(st.binary(max_size=80) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_sent_ends_in_an_error_of_ours(service: Service, sent: bytes | str) -> None:
    service.fail = (200, sent if isinstance(sent, bytes) else sent.encode("utf-8", "surrogatepass"), {})
    with pytest.raises(BadReplyError):
        api(service).endpoints()
