"""`framefleet deploy`: creates or updates the endpoints and writes their ids into framefleet.toml."""

import json
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from framefleet.cli.options.confirmation import Yes, agreed
from framefleet.config.endpoints import ENDPOINT_KINDS, MAIN_KINDS, Fleet
from framefleet.config.loading import load_fleet, load_options
from framefleet.config.settings import CONFIG_FILE, endpoint_variable
from framefleet.errors import EndpointGoneError, UsageError
from framefleet.fleet.backends.runpod.management_api import ROUTE, Endpoint, ManageApi
from framefleet.fleet.backends.runpod.survey import Survey
from framefleet.fleet.billing.prices import PriceList
from framefleet.fleet.deploy import endpoint_ids
from framefleet.fleet.deploy.endpoint import (
    OURS,
    Spec,
    Step,
    creation,
    expected,
    find,
    make_spec,
    moves,
    over_limit,
    plan,
    said,
    worst_case,
    worst_usd_per_hour,
)


def _option(text: str, *names: str) -> Any:
    return typer.Option(*names, help=text, show_default=False)


def kinds_argument(without: str) -> Any:
    text = f"{', '.join(ENDPOINT_KINDS)} (default: {without})"
    return typer.Argument(help=text, metavar="ENDPOINT", show_default=False)


Prefix = Annotated[str, typer.Option(help="prefix of endpoint names, as in PREFIX-yolo")]
MOVING = (
    "this tag is mutable: workers may keep a cached image, so that old and new ones run side by side; "
    "use a version, a commit or a digest (…@sha256:…)"
)


def deploy(
    kinds: Annotated[list[str] | None, kinds_argument(" and ".join(MAIN_KINDS))] = None,
    *,
    prefix: Prefix = "framefleet",
    image: Annotated[
        str | None, _option("such as ghcr.io/YOU/framefleet-{endpoint}:VERSION; {endpoint} stands for its kind")
    ] = None,
    template: Annotated[str | None, _option("id of a RunPod template, instead of an image")] = None,
    gpu_pools: Annotated[
        str | None, _option("RunPod GPU pools, comma-separated (new: AMPERE_16,AMPERE_24,ADA_24)")
    ] = None,
    gpu_count: Annotated[int | None, _option("GPUs per worker (new: 1)")] = None,
    min_cuda: Annotated[str | None, _option('minimum CUDA version of the host, "" for any (new: 12.8)')] = None,
    min_workers: Annotated[int | None, _option("workers that always run, and are billed (new: 0)")] = None,
    max_workers: Annotated[int | None, _option("maximum workers (new: 3)")] = None,
    idle_timeout: Annotated[
        int | None, _option("seconds a worker stays up, and is billed, after its last job (new: 5)")
    ] = None,
    queue_delay: Annotated[float | None, _option("scale up when a job has waited this many seconds (new: 4)")] = None,
    request_count: Annotated[
        int | None, _option("run one worker per this many requests, instead of scaling by delay")
    ] = None,
    flashboot: Annotated[bool | None, _option("faster cold starts (new: yes)", "--flashboot/--no-flashboot")] = None,
    execution_timeout: Annotated[int | None, _option("maximum seconds per job (new: 600)")] = None,
    price: Annotated[float | None, _option("dollars per worker-second, instead of the price list")] = None,
    roll: Annotated[
        bool,
        typer.Option("--roll", help="replace all workers even if no setting changes, to pull a tag that has moved"),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print the requests without sending them")] = False,
    yes: Yes = False,
) -> int:
    """Create or update the RunPod endpoints; settings that are not given stay unchanged."""
    values = {name: value for name, value in locals().items() if name in Spec.__struct_fields__}
    wanted = chosen(kinds, MAIN_KINDS)
    moving = image is not None and moves(image)
    if moving:
        print(f"framefleet: {image}: {MOVING}", file=sys.stderr)
    if moving or roll:
        values["release"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    spec = make_spec(values, wanted)
    usd = load_options({"price": price}).price
    fleet = load_fleet()
    if dry_run:
        print(json.dumps([_shown(kind, prefix, spec, fleet, usd) for kind in wanted], indent=2, ensure_ascii=False))
        return 0
    endpoint_ids.check(wanted)
    with closing(ManageApi(fleet)) as api:
        steps = [plan(kind, f"{prefix}-{kind}", spec, current) for kind, current in located(api, fleet, prefix, wanted)]
        prices = Survey(fleet, usd).prices()
        for step in steps:
            print(_told(step, usd, prices))
        print(over_limit(sum(worst_usd_per_hour(*expected(step), usd, prices) for step in steps)))
        if any(step.body for step in steps):
            agreed("Apply these changes?", yes=yes)
        for step in steps:
            _do(api, step)
    return 0


def chosen(kinds: list[str] | None, without: Sequence[str]) -> list[str]:
    """Return the named kinds of endpoint, each once, or `without` if there are none. Raises `UsageError`."""
    for kind in kinds or ():
        if kind not in ENDPOINT_KINDS:
            raise UsageError(f"{kind}: no such endpoint", hint=f"choose from {', '.join(ENDPOINT_KINDS)}")
    return list(dict.fromkeys(kinds or without))


def located(api: ManageApi, fleet: Fleet, prefix: str, kinds: list[str]) -> list[tuple[str, Endpoint | None]]:
    """Return the endpoint of each kind, found by its known id or else by name; None if it does not exist."""
    listed = api.endpoints()
    return [(kind, _locate(api, kind, f"{prefix}-{kind}", fleet.endpoints.get(kind), listed)) for kind in kinds]


def _locate(api: ManageApi, kind: str, name: str, id: str | None, listed: list[Endpoint]) -> Endpoint | None:
    if id is not None and all(endpoint.id != id for endpoint in listed):
        try:
            return api.get(id)  # a shared endpoint may be missing from the list
        except EndpointGoneError:
            print(f"framefleet: {kind}: RunPod no longer knows endpoint {id}", file=sys.stderr)
    return find(kind, name, id, listed)


def _shown(kind: str, prefix: str, spec: Spec, fleet: Fleet, price: float | None) -> dict[str, Any]:
    """Return the request and its maximum cost, as far as it is known without querying the service."""
    id = fleet.endpoints.get(kind)
    if id is None:
        url, body = f"POST {fleet.manage_url}/{ROUTE}", creation(kind, f"{prefix}-{kind}", spec)
        costs = worst_case(*expected(Step(kind, None, body)), price)
    else:
        url, body = f"PATCH {fleet.manage_url}/{ROUTE}/{id}", said(kind, spec)
        costs = "unknown until RunPod is queried, since the endpoint exists"
    return {"endpoint": kind, "request": url, "body": body, "costs": costs}


def _told(step: Step, price: float | None, prices: PriceList) -> str:
    workers, gpu = expected(step)
    if step.current is None:
        head = f"{step.kind}: create {step.body['name']}"
    elif step.body:
        head = f"{step.kind}: update {step.current.name} ({step.current.id})"
    else:
        head = f"{step.kind}: {step.current.name} ({step.current.id}) is already up to date"
    shown = dict(step.body)
    if "env" in shown:  # other variables may be secrets
        shown["env"] = {name: value for name, value in shown["env"].items() if name in OURS}
    body = f" {json.dumps(shown, ensure_ascii=False)}" if shown else ""
    return f"{head}{body}\n  costs {worst_case(workers, gpu, price, prices)}"


def _do(api: ManageApi, step: Step) -> None:
    if step.current is None:
        made = api.create(step.body)
    elif step.body:
        made = api.update(step.current.id, step.body)
    else:
        made = step.current
    print(f"{step.kind}: {made.name} has id {made.id}; saved in {CONFIG_FILE}")
    endpoint_ids.remember({step.kind: made.id})
    if load_fleet().endpoints.get(step.kind) != made.id:
        variable = endpoint_variable(step.kind)
        print(f"framefleet: {variable} is set to another id and overrides {CONFIG_FILE}; unset it", file=sys.stderr)
