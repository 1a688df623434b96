"""From what is said to what is sent, without sending it."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.errors import RefusedError, UsageError
from framefleet.fleet.backends.runpod.management_api import Endpoint, Gpu, Workers
from framefleet.fleet.deploy import endpoint
from framefleet.fleet.deploy.endpoint import (
    Spec,
    changes,
    creation,
    expected,
    find,
    make_spec,
    moves,
    over_limit,
    plan,
    worst_case,
    worst_usd_per_hour,
)
from tests.fleet.manage_service import Service

ROOT = Path(__file__).parents[2]


def spec(**values: Any) -> Spec:
    return make_spec({"image": "me/{endpoint}:1"} | values, ["yolo", "whisper"])


def made(**values: Any) -> Endpoint:
    """The endpoint that a service makes of a creation."""
    service = Service("key")
    body = json.dumps(creation("yolo", "framefleet-yolo", spec(**values))).encode()
    return msgspec.convert(service.answer("POST", "/v2/serverless", "Bearer key", body)[1], Endpoint)


def test_a_new_endpoint_gets_the_defaults() -> None:
    assert creation("yolo", "framefleet-yolo", spec()) == {
        "name": "framefleet-yolo",
        "type": "QUEUE",
        "image": "me/yolo:1",
        "disk": 20,
        "env": {"RUNPOD_LOG_LEVEL": "INFO"},
        "gpu": {"pools": ["AMPERE_16", "AMPERE_24", "ADA_24"], "count": 1, "minCudaVersion": "12.8"},
        "workers": {"min": 0, "max": 3, "idleTimeout": 5},
        "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4.0},
        "flashboot": "FLASHBOOT",
        "timeout": 600_000,
    }


def test_what_is_said_goes_before_the_defaults() -> None:
    body = creation(
        "whisper",
        "w",
        spec(
            gpu_pools="ADA_24, AMPERE_48",
            gpu_count=2,
            min_cuda="",
            min_workers=4,
            flashboot=False,
            execution_timeout=60,
            request_count=5,
        ),
    )
    assert body["image"] == "me/whisper:1"
    assert body["gpu"] == {"pools": ["ADA_24", "AMPERE_48"], "count": 2}
    assert body["workers"] == {"min": 4, "max": 4}  # no idle timeout goes with this scaling
    assert body["scaling"] == {"type": "REQUEST_COUNT", "requestCount": 5}
    assert (body["flashboot"], body["timeout"]) == ("OFF", 60_000)


def test_a_template_brings_its_own_container_and_cuda() -> None:
    body = creation("yolo", "y", make_spec({"template": "abc"}, ["yolo"]))
    assert body["templateId"] == "abc"
    assert "image" not in body and "disk" not in body and "minCudaVersion" not in body["gpu"]


@pytest.mark.parametrize("kind", ["yolo", "whisper"])
def test_the_defaults_are_the_hubs(kind: str) -> None:
    hub = json.loads((ROOT / "endpoints" / kind / ".runpod" / "hub.json").read_text(encoding="utf-8"))["config"]
    assert hub["gpuIds"].split(",") == list(endpoint.POOLS)
    assert hub["containerDiskInGb"] == endpoint.DISK_GB
    assert min(hub["allowedCudaVersions"], key=lambda v: [int(part) for part in v.split(".")]) == endpoint.MIN_CUDA


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"max_workers": -1}, "--max-workers"),
        ({"idle_timeout": 0}, "--idle-timeout"),
        ({"idle_timeout": 3601}, "--idle-timeout"),
        ({"queue_delay": 0.1}, "--queue-delay"),
        ({"execution_timeout": 0}, "--execution-timeout"),
        ({"min_cuda": "new"}, "--min-cuda"),
        ({"gpu_pools": " , "}, "--gpu-pools"),
        ({"template": "abc"}, "--image and --template"),
        ({"image": "me/yolo:1"}, "--image"),
        ({"queue_delay": 1.0, "request_count": 1}, "--queue-delay and --request-count"),
    ],
)
def test_options_that_make_no_sense(values: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        spec(**values)


def test_contradictions_are_found_before_anything_is_sent() -> None:
    with pytest.raises(UsageError, match="--min-workers 5 is more than --max-workers 2"):
        creation("yolo", "y", spec(min_workers=5, max_workers=2))
    with pytest.raises(UsageError, match="--min-workers 5 is more than --max-workers 3"):
        changes("yolo", spec(min_workers=5), made())
    with pytest.raises(UsageError, match="--idle-timeout"):
        creation("yolo", "y", spec(request_count=1, idle_timeout=5))
    with pytest.raises(UsageError, match="--idle-timeout"):
        changes("yolo", spec(idle_timeout=5), made(request_count=1))
    with pytest.raises(UsageError, match="--image"):
        creation("yolo", "y", Spec())


def test_only_what_is_said_and_differs_is_changed() -> None:
    current = made()
    assert changes("yolo", Spec(), current) == {}
    assert changes("yolo", spec(), current) == {}
    assert changes("yolo", spec(max_workers=9, flashboot=True), current) == {"workers": {"max": 9}}
    assert changes("yolo", spec(gpu_count=2), current) == {"gpu": {"count": 2}}
    assert changes("yolo", Spec(image="me/yolo:2"), current) == {"image": "me/yolo:2"}
    assert changes("yolo", Spec(min_cuda=""), current) == {"gpu": {"minCudaVersion": ""}}
    assert changes("yolo", Spec(min_cuda=""), made(min_cuda="")) == {}


def test_the_hubs_versions_go_where_a_minimum_comes() -> None:
    hub = msgspec.structs.replace(
        made(min_cuda=""), gpu=Gpu(pools=["ADA_24"], allowedCudaVersions=["13.0", "12.9", "12.8"])
    )
    assert changes("yolo", Spec(min_cuda="12.8"), hub) == {"gpu": {"minCudaVersion": "12.8", "allowedCudaVersions": []}}
    assert changes("yolo", Spec(max_workers=4), hub) == {"workers": {"max": 4}}
    assert changes("yolo", Spec(min_cuda=""), hub) == {}
    assert changes("yolo", Spec(min_cuda="12.8"), made(min_cuda="")) == {"gpu": {"minCudaVersion": "12.8"}}


@pytest.mark.parametrize(
    ("image", "moving"),
    [
        ("me/yolo", True),
        ("me/yolo:latest", True),
        ("ghcr.io/me/yolo:main", True),
        ("host:5000/me/yolo", True),
        ("me/yolo:latest-cu128", True),
        ("me/yolo:1", False),
        ("host:5000/me/yolo:v1.2.0", False),
        ("me/yolo:3f2c1ab9", False),
        ("me/yolo@sha256:" + "a" * 64, False),
        ("me/yolo:latest@sha256:" + "0" * 64, False),
    ],
)
def test_tags_that_move_are_told_from_versions_and_digests(image: str, moving: bool) -> None:
    assert moves(image) == moving


def test_a_release_is_made_where_the_image_is_called_as_before() -> None:
    current = msgspec.structs.replace(made(image="me/{endpoint}:latest"), env={"RUNPOD_LOG_LEVEL": "INFO", "MINE": "1"})
    again = Spec(image="me/yolo:latest", release="now")
    assert changes("yolo", again, current) == {
        "env": {"RUNPOD_LOG_LEVEL": "INFO", "MINE": "1", "IMAGE_RELEASE": "now"}  # an update takes the whole of it
    }
    assert changes("yolo", Spec(release="now"), current).keys() == {"env"}
    assert changes("yolo", Spec(image="me/yolo:2", release="now"), current) == {"image": "me/yolo:2"}
    assert changes("yolo", Spec(template="t", release="now"), current)["env"] == {"RUNPOD_LOG_LEVEL": "INFO"}


def test_one_that_was_made_before_logs_were_quiet_becomes_so() -> None:
    loud = msgspec.structs.replace(made(), env={"MINE": "1"})
    assert changes("yolo", Spec(), loud) == {"env": {"RUNPOD_LOG_LEVEL": "INFO", "MINE": "1"}}
    wanted = msgspec.structs.replace(made(), env={"RUNPOD_LOG_LEVEL": "DEBUG"})
    assert changes("yolo", Spec(), wanted) == {}
    unknown = msgspec.structs.replace(made(), env=None)
    assert changes("yolo", Spec(release="now"), unknown) == {}  # what is set there would be lost


def test_one_scaled_to_zero_wakes() -> None:
    asleep = msgspec.structs.replace(made(), workers=Workers(min=0, max=0))
    assert changes("yolo", Spec(), asleep) == {"workers": {"max": 3}}
    assert changes("yolo", Spec(min_workers=4), asleep) == {"workers": {"min": 4, "max": 4}}
    assert changes("yolo", Spec(max_workers=0), asleep) == {}


specs = st.builds(
    lambda **values: make_spec(values, ["yolo"]),
    image=st.sampled_from(["me/{endpoint}:1", "you/yolo:2"]),
    gpu_pools=st.none() | st.sampled_from(["ADA_24", "ADA_24,AMPERE_48"]),
    gpu_count=st.none() | st.integers(1, 8),
    min_cuda=st.none() | st.sampled_from(["", "12.4"]),
    min_workers=st.none() | st.integers(0, 2),
    max_workers=st.none() | st.integers(2, 9),
    queue_delay=st.none() | st.sampled_from([0.5, 9.0]),
    flashboot=st.none() | st.booleans(),
    execution_timeout=st.none() | st.integers(1, 999),
)


@given(specs, specs)
def test_the_service_takes_whatever_is_made_here_and_asking_again_changes_nothing(first: Spec, then: Spec) -> None:
    service = Service("key")

    def send(method: str, path: str, body: dict[str, Any]) -> Endpoint:
        answer = service.answer(method, path, "Bearer key", json.dumps(body).encode())[1]
        return msgspec.convert(answer, Endpoint)

    new = send("POST", "/v2/serverless", creation("yolo", "y", first))
    assert changes("yolo", first, new) == {}
    step = plan("yolo", "y", then, new)
    changed = send("PATCH", f"/v2/serverless/{new.id}", step.body)
    assert changes("yolo", then, changed) == {}
    assert expected(step)[0] == changed.workers


def test_an_endpoint_is_found_by_id_else_by_name() -> None:
    one = made()
    two = msgspec.structs.replace(one, id="two", name="framefleet-whisper")
    fast = msgspec.structs.replace(one, id="fast", name="framefleet-yolo -fb")
    assert find("yolo", "framefleet-yolo", "two", [one, two]) is two
    assert find("yolo", "framefleet-yolo", None, [two, one]) is one
    assert find("yolo", "framefleet-yolo", "gone", [two, fast]) is fast
    assert find("yolo", "framefleet-yolo", None, [two]) is None
    with pytest.raises(RefusedError, match="FRAMEFLEET_YOLO_ENDPOINT"):
        find("yolo", "framefleet-yolo", None, [one, fast])


def test_one_without_a_queue_is_left_alone() -> None:
    balancer = msgspec.structs.replace(made(), type="LOAD_BALANCER")
    with pytest.raises(RefusedError, match="has no queue"):
        plan("yolo", "framefleet-yolo", spec(), balancer)


def test_what_it_costs_at_worst() -> None:
    line = worst_case(Workers(min=0, max=3), Gpu(pools=["AMPERE_16", "ADA_24"]), None)
    assert "at most $0.00093/s ($3.35/h) with 3 workers busy; $0 while idle" in line
    assert "4090" in line
    awake = worst_case(Workers(min=2, max=3), Gpu(pools=["AMPERE_16"], count=2), None)
    assert "$55.30/day for 2 always running" in awake
    assert "$0.00100/s" in worst_case(Workers(min=0, max=1), Gpu(pools=["NEW"]), 0.001)
    assert "no price is known for NEW" in worst_case(Workers(min=0, max=1), Gpu(pools=["NEW"]), None)


def test_the_accounts_own_limit_is_told_and_when_it_would_be_passed() -> None:
    assert "$80/h" in over_limit(3.35) and "could reach" not in over_limit(80)
    many = worst_usd_per_hour(Workers(min=0, max=10), Gpu(pools=["BLACKWELL_180"]), None)
    assert many == pytest.approx(86.4)
    assert "these endpoints could reach $86.40" in over_limit(many)
    assert worst_usd_per_hour(Workers(min=0, max=10), Gpu(pools=["NEW"]), None) == 0
