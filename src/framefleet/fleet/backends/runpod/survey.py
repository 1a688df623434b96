"""What RunPod's management API knows of the endpoints that a run uses: prices, pools, and whether they are asleep.

All of it is optional: if the key lacks permission, or RunPod does not respond, a run continues without it.
"""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from framefleet.config.endpoints import RUNPOD_BASE_URL, RUNPOD_MANAGE_URL, Fleet
from framefleet.errors import AuthError, EndpointGoneError
from framefleet.fleet.backends.runpod.management_api import Endpoint, ManageApi
from framefleet.fleet.billing.catalog import live_prices
from framefleet.fleet.billing.prices import (
    IDLE_TIMEOUT_S,
    LISTED,
    TABLE,
    PriceList,
    Tariff,
)
from framefleet.logs import logger

log = logger(__name__)

READ_TIMEOUT_S = 5.0  # short, since the information is optional

Told = TypeVar("Told")
LOWERED = 2  # max workers that RunPod leaves an endpoint after 3 days without a request; after 7 days none


@dataclass(frozen=True, slots=True)
class Sleep:
    """An endpoint whose max workers were lowered below what the work needs, by RunPod or an operator.

    `most` 0: no worker can start.
    """

    kind: str
    endpoint: Endpoint

    @property
    def most(self) -> int:
        return self.endpoint.workers.max

    def __str__(self) -> str:
        name = f"{self.kind}: endpoint {self.endpoint.id}"
        if self.most == 0:
            return (
                f"{name} has max workers 0, so no worker can start; RunPod sets that after 7 days without requests "
                "or when workers keep crashing, and so does framefleet down"
            )
        return f"{name} has max workers {self.most}; RunPod lowers it to that after 3 days without requests"


class Survey:
    """RunPod's information, requested when first needed, and not again after a refusal. Safe for many threads."""

    def __init__(self, fleet: Fleet, price: float | None = None) -> None:
        self._fleet = fleet
        self._price = price
        self._listed: dict[str, Endpoint] | None = None
        self._prices: PriceList | None = None
        self._silent = not may_be_asked(fleet)
        self._lock = threading.RLock()
        self.unasked = ""
        """Why a request brought no information, in a few words."""

    def endpoint(self, kind: str) -> Endpoint | None:
        """Return the endpoint that is set for this kind; None if it is not known."""
        id = self._fleet.endpoints.get(kind)
        if id is None:
            return None
        with self._lock:
            if self._listed is None:
                self._listed = {one.id: one for one in self._ask(ManageApi.endpoints) or ()}
            if id not in self._listed and (shared := self._ask(lambda api: _get(api, id))) is not None:
                self._listed[id] = shared
            return self._listed.get(id)

    def tariff(self, kind: str) -> Tariff:
        """Return what is known of the endpoint's bill."""
        if self._silent or self._fleet.endpoints.get(kind) is None:
            return LISTED
        endpoint, prices = self.endpoint(kind), self.prices()
        if endpoint is None or endpoint.gpu is None:
            return Tariff(prices=prices)
        return Tariff(
            prices=prices,
            pools=tuple(endpoint.gpu.pools),
            gpus=max(1, endpoint.gpu.count),
            idle_s=endpoint.workers.idleTimeout or IDLE_TIMEOUT_S,
        )

    def prices(self) -> PriceList:
        """Return RunPod's list of today, or the built-in table if there is none or a price was given."""
        with self._lock:
            if self._prices is None and self._price is None:
                self._prices = self._ask(lambda api: live_prices(api, self._fleet.manage_url))
            return self._prices or TABLE

    def asleep(self, kind: str, wanted: int) -> Sleep | None:
        """Return the endpoint if its max workers are 0, or 2 and fewer than are `wanted` at once."""
        endpoint = self.endpoint(kind)
        if endpoint is None or endpoint.workers.max not in {0, LOWERED} or endpoint.workers.max >= wanted:
            return None
        return Sleep(kind, endpoint)

    def wake(self, sleep: Sleep, most: int) -> None:
        """Raise its max workers. Raises `FleetError`."""
        with contextlib.closing(ManageApi(self._fleet)) as api:
            changed = api.update(sleep.endpoint.id, {"workers": {"max": most}})
        with self._lock:
            self._listed = {**(self._listed or {}), changed.id: changed}

    def _ask(self, call: Callable[[ManageApi], Told]) -> Told | None:
        """Return the API's response; None, and no more requests, if there is none."""
        if self._silent:
            return None
        try:
            with contextlib.closing(ManageApi(self._fleet, read_timeout_s=READ_TIMEOUT_S)) as api:
                return call(api)
        except Exception as error:  # optional information must not end a run
            log.warning("no more requests to RunPod's management API", exc_info=error)
            self._silent = True
            self.unasked = "the key lacks permission" if isinstance(error, AuthError) else "RunPod does not respond"
            return None


def may_be_asked(fleet: Fleet) -> bool:
    """Return whether there is a key, and the management API belongs to the service that runs the jobs.

    RunPod's does not get the key of another service, unless the addresses of both were set.
    """
    apart = fleet.base_url != RUNPOD_BASE_URL and fleet.manage_url == RUNPOD_MANAGE_URL
    return fleet.api_key is not None and not apart


def _get(api: ManageApi, id: str) -> Endpoint | None:
    """Return an endpoint that the account's list lacks, as one that is shared with it; None if there is none."""
    try:
        return api.get(id)
    except EndpointGoneError as error:
        log.info("%s", error)
        return None
