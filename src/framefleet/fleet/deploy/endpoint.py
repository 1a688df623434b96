"""The desired state of an endpoint, as the body of a request to create or change it. Pure: nothing is sent here.

Field names and ranges are those of RunPod's OpenAPI description of its management API v2 (August 2026).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from framefleet.config.settings import endpoint_variable
from framefleet.errors import RefusedError, UsageError
from framefleet.fleet.backends.runpod.management_api import Endpoint, Gpu, Workers
from framefleet.fleet.billing.prices import (
    HOUR_S,
    TABLE,
    PriceList,
    Tariff,
    rate,
)

DAY_S = 86_400
SPEND_LIMIT_USD = 80  # per hour, RunPod's default for all that an account runs (its documentation of August 2026)


def worker_price(gpu: Gpu, price: float | None, prices: PriceList = TABLE) -> tuple[float, str] | None:
    """Return the dollars per worker and second in its most expensive pool, and their source; None if not known."""
    if price is not None:
        return rate(None, price)
    if not gpu.pools or any((prices.dearest([pool]) or TABLE.dearest([pool])) is None for pool in gpu.pools):
        return None
    usd, source = max(rate(None, None, Tariff(prices=prices, pools=(pool,), gpus=gpu.count)) for pool in gpu.pools)
    return usd, source.replace(": the worker's GPU is not known", "")


def worst_usd_per_hour(workers: Workers, gpu: Gpu, price: float | None, prices: PriceList = TABLE) -> float:
    """Return the dollars per hour with all workers busy; 0 if no price is known."""
    known = worker_price(gpu, price, prices)
    return workers.max * known[0] * HOUR_S if known is not None else 0.0


def worst_case(workers: Workers, gpu: Gpu, price: float | None, prices: PriceList = TABLE) -> str:
    """Return a line with the cost of all workers busy, and of none. `price`: dollars per worker and second, or None."""
    known = worker_price(gpu, price, prices)
    if known is None:
        return f"no price is known for {', '.join(gpu.pools) or 'its GPUs'}; pass --price"
    usd, source = known
    busy = f"at most ${workers.max * usd:.5f}/s (${workers.max * usd * HOUR_S:.2f}/h)"
    busy += f" with {workers.max} worker{'s' * (workers.max != 1)} busy"
    if workers.min == 0:
        return f"{busy}; $0 while idle ({source})"
    return f"{busy}; ${workers.min * usd * DAY_S:.2f}/day for {workers.min} always running ({source})"


def over_limit(usd_per_hour: float) -> str:
    """Return a line with RunPod's spend limit for an account, and whether this much would exceed it."""
    limit = f"RunPod's default spend limit is ${SPEND_LIMIT_USD}/h per account"
    return f"{limit}; these endpoints could reach ${usd_per_hour:.2f}/h" if usd_per_hour > SPEND_LIMIT_USD else limit


QUEUE_DELAY, REQUEST_COUNT = "QUEUE_DELAY", "REQUEST_COUNT"

# The defaults of a new endpoint. Pools, disk and CUDA as in .runpod/hub.json (a test compares).
POOLS = ("AMPERE_16", "AMPERE_24", "ADA_24")
DISK_GB = 20
MIN_CUDA = "12.8"  # the images' CUDA: on a host with an older driver a worker would fail to start, again and again
MAX_WORKERS = 3
IDLE_TIMEOUT_S = 5  # seconds a worker is kept, and billed, after its last job; the estimates count with it
QUEUE_DELAY_S = 4.0  # the service's own default
EXECUTION_TIMEOUT_S = 600  # the service's default for a job, and the client's limit for one
# The package `runpod` would log every reply, and so the content of a video; RunPod keeps logs for 90 days.
QUIET = {"RUNPOD_LOG_LEVEL": "INFO"}
RELEASE = "IMAGE_RELEASE"  # in the environment, where a change makes a release, which replaces all workers
OURS = (*QUIET, RELEASE)


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """The settings given for endpoints. None: not given; a new one gets the default and an old one keeps its own.

    `release` names a new release for an endpoint whose image has the same name as before, since its tag has moved.
    """

    image: str | None = None
    template: str | None = None
    gpu_pools: tuple[str, ...] | None = None
    gpu_count: Annotated[int, msgspec.Meta(ge=1, le=8)] | None = None
    min_cuda: Annotated[str, msgspec.Meta(pattern=r"^(\d+\.\d+)?\Z")] | None = None  # "": any
    min_workers: Annotated[int, msgspec.Meta(ge=0, le=1000)] | None = None
    max_workers: Annotated[int, msgspec.Meta(ge=0, le=1000)] | None = None
    idle_timeout: Annotated[int, msgspec.Meta(ge=1, le=3600)] | None = None  # seconds
    queue_delay: Annotated[float, msgspec.Meta(ge=0.5, le=3600)] | None = None  # seconds
    request_count: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
    flashboot: bool | None = None
    execution_timeout: Annotated[int, msgspec.Meta(ge=1, le=86_400)] | None = None  # seconds
    release: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One endpoint and the request body for it: to create it if there is none yet, else to change it."""

    kind: str
    current: Endpoint | None
    body: dict[str, Any]


def make_spec(values: Mapping[str, Any], kinds: Sequence[str]) -> Spec:
    """Return the checked settings. `gpu_pools` may be text with commas. Raises `UsageError` naming the option."""
    given = {name: value for name, value in values.items() if value is not None}
    if isinstance(given.get("gpu_pools"), str):
        given["gpu_pools"] = [part.strip() for part in given["gpu_pools"].split(",") if part.strip()]
    try:
        spec = msgspec.convert(given, Spec)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$.")
        raise UsageError(f"--{path.rstrip('`').replace('_', '-') or 'option'}: {reason}") from None
    if spec.image is not None and spec.template is not None:
        raise UsageError("--image and --template exclude each other", hint="give one of them")
    if len(kinds) > 1 and (spec.template is not None or (spec.image is not None and "{endpoint}" not in spec.image)):
        raise UsageError(
            f"one image cannot serve {' and '.join(kinds)}", hint="write {endpoint} in --image, or deploy one by one"
        )
    if spec.queue_delay is not None and spec.request_count is not None:
        raise UsageError("--queue-delay and --request-count exclude each other", hint="give one of them")
    if spec.gpu_pools == ():
        raise UsageError("--gpu-pools is empty", hint="give at least one pool, such as AMPERE_24")
    return spec


def moves(image: str) -> bool:
    """Return whether the image's tag moves, such as `latest` or none: it is neither a version nor a digest."""
    if "@" in image:
        return False
    tag = image.rpartition("/")[2].partition(":")[2]
    return "latest" in tag or re.search(r"\d", tag) is None


def plan(kind: str, name: str, spec: Spec, current: Endpoint | None) -> Step:
    """Return the step from `current` (None: no such endpoint yet) to `spec`. An empty body: it is up to date."""
    if current is None:
        return Step(kind, None, creation(kind, name, spec))
    if current.type not in {None, "QUEUE"}:
        raise RefusedError(
            f"endpoint {current.id} ({current.name}) has no queue", hint="delete it, or give another --prefix"
        )
    return Step(kind, current, changes(kind, spec, current))


def creation(kind: str, name: str, spec: Spec) -> dict[str, Any]:
    """Return the body of a new endpoint. Raises `UsageError` if a setting is missing or contradicts another."""
    if spec.image is None and spec.template is None:
        raise UsageError(
            f"there is no {kind} endpoint yet", hint=f"give --image, such as ghcr.io/YOU/framefleet-{kind}:VERSION"
        )
    body: dict[str, Any] = {"name": name, "type": "QUEUE"} | said(kind, _with_defaults(spec))
    if spec.image is not None:  # a template brings its own
        body["disk"] = DISK_GB
    body["env"] = QUIET
    body["gpu"].pop("allowedCudaVersions", None)  # a new endpoint has none that would have to be removed
    if spec.min_cuda == "":
        del body["gpu"]["minCudaVersion"]  # likewise
    _check(Workers(**body["workers"]), body["scaling"]["type"], spec)
    return body


def changes(kind: str, spec: Spec, current: Endpoint) -> dict[str, Any]:
    """Return the settings that are given and differ. Raises `UsageError` if the result would contradict itself."""
    if current.workers.max == 0 and spec.max_workers is None:  # scaled to zero: deploying wakes it
        spec = msgspec.structs.replace(spec, max_workers=max(MAX_WORKERS, spec.min_workers or 0))
    told = said(kind, spec)
    workers = msgspec.convert(msgspec.to_builtins(current.workers) | told.get("workers", {}), Workers)
    _check(workers, (told.get("scaling") or current.scaling).get("type"), spec)
    body = _differing(told, msgspec.to_builtins(current))
    if current.env is None:  # not known, so that a change might lose some of it
        return body
    before = {} if spec.template is not None else current.env  # a template brings its own, and ours is added
    env = QUIET | before  # a level that was set by hand stays
    if spec.release is not None and not {"image", "templateId"} & body.keys():
        env |= {RELEASE: spec.release}
    return body if env == before else body | {"env": env}


def find(kind: str, name: str, id: str | None, listed: Sequence[Endpoint]) -> Endpoint | None:
    """Return the endpoint with this id, else the one with this name, so that none is created twice.

    Raises `RefusedError` if several have the name.
    """
    for endpoint in listed:
        if endpoint.id == id:
            return endpoint
    # RunPod's console and its older APIs mark FlashBoot in the name.
    named = [endpoint for endpoint in listed if endpoint.name.removesuffix(" -fb") == name]
    if len(named) > 1:
        ids = ", ".join(endpoint.id for endpoint in named)
        raise RefusedError(f"several endpoints are named {name} ({ids})", hint=f"set {endpoint_variable(kind)} to one")
    return named[0] if named else None


def expected(step: Step) -> tuple[Workers, Gpu]:
    """Return the workers and GPUs after the step."""
    workers = msgspec.to_builtins(step.current.workers) if step.current else {}
    gpu = msgspec.to_builtins(step.current.gpu) if step.current and step.current.gpu else {}
    return (
        msgspec.convert(workers | step.body.get("workers", {}), Workers),
        msgspec.convert(gpu | step.body.get("gpu", {}), Gpu),
    )


def _with_defaults(spec: Spec) -> Spec:
    given = {name: value for name, value in msgspec.structs.asdict(spec).items() if value is not None}
    low = spec.min_workers or 0
    defaults: dict[str, Any] = {
        "gpu_pools": POOLS,
        "gpu_count": 1,
        "min_workers": 0,
        "max_workers": max(MAX_WORKERS, low),
        "flashboot": True,
        "execution_timeout": EXECUTION_TIMEOUT_S,
    }
    if spec.template is None:  # a template brings its own
        defaults["min_cuda"] = MIN_CUDA
    if spec.request_count is None:
        defaults |= {"queue_delay": QUEUE_DELAY_S, "idle_timeout": IDLE_TIMEOUT_S}
    return Spec(**defaults | given)


def said(kind: str, spec: Spec) -> dict[str, Any]:
    """Return the given settings under the service's names."""
    image = spec.image.replace("{endpoint}", kind) if spec.image else None
    body: dict[str, Any] = {
        "image": image,
        "templateId": spec.template,
        "gpu": _without_none(
            pools=list(spec.gpu_pools) if spec.gpu_pools else None,
            count=spec.gpu_count,
            minCudaVersion=spec.min_cuda,
            # the Hub sets these, and RunPod accepts no minimum next to them
            allowedCudaVersions=[] if spec.min_cuda else None,
        ),
        "workers": _without_none(min=spec.min_workers, max=spec.max_workers, idleTimeout=spec.idle_timeout),
        "scaling": _scaling(spec),
        "flashboot": None if spec.flashboot is None else "FLASHBOOT" if spec.flashboot else "OFF",
        "timeout": spec.execution_timeout * 1000 if spec.execution_timeout else None,
    }
    return {key: value for key, value in body.items() if value is not None and value != {}}


def _scaling(spec: Spec) -> dict[str, Any]:
    if spec.request_count is not None:
        return {"type": REQUEST_COUNT, "requestCount": spec.request_count}
    if spec.queue_delay is not None:
        return {"type": QUEUE_DELAY, "queueDelay": spec.queue_delay}
    return {}


def _without_none(**fields: Any) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}


def _check(workers: Workers, scaling: str | None, spec: Spec) -> None:
    if workers.min > workers.max:
        raise UsageError(f"--min-workers {workers.min} is more than --max-workers {workers.max}")
    if scaling == REQUEST_COUNT and spec.idle_timeout is not None:
        raise UsageError("--idle-timeout: RunPod accepts none for a queue that scales on --request-count")


def _differing(told: dict[str, Any], current: dict[str, Any]) -> dict[str, Any]:
    """Return the part of `told` that differs from `current`; workers and GPU field by field, as the service does."""
    body: dict[str, Any] = {}
    for key, value in told.items():
        now = current.get(key)
        if key in {"workers", "gpu"}:
            before = {field: "" if old is None else old for field, old in (now or {}).items()}
            body[key] = {field: new for field, new in value.items() if before.get(field) != new}
        elif value != now:
            body[key] = value
    return {key: value for key, value in body.items() if value != {}}
