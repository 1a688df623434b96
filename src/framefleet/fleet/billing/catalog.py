"""RunPod's current price list, requested at most once a day and kept in the user's cache in between."""

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from framefleet.fleet.backends.runpod.management_api import CatalogGpu, ManageApi
from framefleet.fleet.billing.prices import HOUR_S, GpuPrice, PriceList
from framefleet.install_hints import cache_folder
from framefleet.logs import logger
from framefleet.timebase import Seconds

log = logger(__name__)

DAY_S = 86_400
MOST_USD_PER_H = 1000  # for one GPU: a higher figure is a mistake, not a price


class _Kept(msgspec.Struct):
    """The list of the service at `url`, as of `at_s` seconds since 1970."""

    url: str
    at_s: Seconds
    gpus: list[CatalogGpu]


def live_prices(
    api: ManageApi, url: str, *, folder: Path | None = None, now: Callable[[], Seconds] = time.time
) -> PriceList:
    """Return the list of the service at `url`, from the cache if that is recent. Raises `FleetError` if it has none."""
    path = folder / "prices.json" if folder is not None else _place()
    kept = _read(path) if path is not None else None
    if kept is None or kept.url != url or not 0 <= now() - kept.at_s < DAY_S:
        kept = _Kept(url, now(), api.gpus())
        if path is not None:
            _keep(path, kept)
    return as_list(kept.gpus, kept.at_s)


def as_list(gpus: Sequence[CatalogGpu], at_s: Seconds) -> PriceList:
    """Return the service's list of that time, in dollars per second."""
    day = datetime.fromtimestamp(at_s, UTC).date().isoformat()
    rows = (GpuPrice(gpu.id, gpu.pool, _per_second(gpu), gpu.name) for gpu in gpus)
    return PriceList(tuple(rows), f"RunPod's price list as read on {day}")


def _per_second(gpu: CatalogGpu) -> float | None:
    usd_per_h = gpu.price.serverless if gpu.price is not None else None
    return usd_per_h / HOUR_S if usd_per_h is not None and 0 < usd_per_h < MOST_USD_PER_H else None


def _place() -> Path | None:
    with contextlib.suppress(RuntimeError):  # a user without a home
        return cache_folder() / "prices.json"
    return None


def _read(path: Path) -> _Kept | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Kept)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        log.info("%s cannot be read", path, exc_info=error)
        return None


def _keep(path: Path, kept: _Kept) -> None:
    """Write the list, whole or not at all; if that fails, it is requested again next time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".prices.", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(kept))
            Path(temporary).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
    except OSError as error:
        log.info("%s cannot be written", path, exc_info=error)
