"""`framefleet down`: scale the endpoints to zero workers, or delete them with `--delete`."""

import contextlib
import sys
from typing import Annotated

import typer

from framefleet.cli.commands.deploy import (
    Prefix,
    chosen,
    kinds_argument,
    located,
)
from framefleet.cli.options.confirmation import Yes, agreed
from framefleet.config.endpoints import ENDPOINT_KINDS
from framefleet.config.loading import load_fleet
from framefleet.errors import EndpointGoneError, FleetError
from framefleet.fleet.backends.runpod.management_api import Endpoint, ManageApi
from framefleet.fleet.deploy import endpoint_ids
from framefleet.logs import logger

log = logger(__name__)

NO_WORKERS = {"workers": {"min": 0, "max": 0}}


def down(
    kinds: Annotated[list[str] | None, kinds_argument("all")] = None,
    *,
    prefix: Prefix = "framefleet",
    delete: Annotated[bool, typer.Option("--delete", help="delete the endpoints permanently, with their jobs")] = False,
    yes: Yes = False,
) -> int:
    """Scale the endpoints to zero workers: jobs wait at no cost until `framefleet deploy` wakes them."""
    wanted, fleet = chosen(kinds, ENDPOINT_KINDS), load_fleet()
    with contextlib.closing(ManageApi(fleet)) as api:
        found = located(api, fleet, prefix, wanted)
        there = [(kind, endpoint) for kind, endpoint in found if endpoint is not None]
        for kind, endpoint in found:
            if endpoint is None:
                print(f"{kind}: no such endpoint")
        if delete and there:
            names = ", ".join(f"{endpoint.name} ({endpoint.id})" for _, endpoint in there)
            agreed(f"Permanently delete {names} and their jobs?", yes=yes)
        done = [_end(api, kind, endpoint, delete=delete) for kind, endpoint in there]
    return 0 if all(done) else 1


def _end(api: ManageApi, kind: str, endpoint: Endpoint, *, delete: bool) -> bool:
    """Scale down or delete one endpoint and return whether it worked; errors are printed, so the others follow."""
    try:
        if delete:
            _delete(api, kind, endpoint)
        else:
            api.update(endpoint.id, NO_WORKERS)
            print(f"{kind}: {endpoint.name} ({endpoint.id}) is scaled to zero (max workers 0)")
    except FleetError as error:
        log.info("%s cannot be ended", kind, exc_info=error)
        print(f"framefleet: {error}", file=sys.stderr)
        return False
    return True


def _delete(api: ManageApi, kind: str, endpoint: Endpoint) -> None:
    with contextlib.suppress(EndpointGoneError):  # already deleted
        api.delete(endpoint.id)
    endpoint_ids.remember({kind: None})
    print(f"{kind}: {endpoint.name} ({endpoint.id}) deleted")
