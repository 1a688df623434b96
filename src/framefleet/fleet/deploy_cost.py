"""What an endpoint can cost at worst, before anything runs on it. Pure."""

from framefleet.fleet.manage_api import Gpu, Workers
from framefleet.fleet.prices import rate

# The dearest GPU of each pool, by RunPod's list of pools (August 2026).
DEAREST = {
    "AMPERE_16": "A4000",
    "AMPERE_24": "A5000",
    "ADA_24": "4090",
    "AMPERE_48": "A6000",
    "ADA_48_PRO": "L40S",
    "AMPERE_80": "A100",
    "ADA_80_PRO": "H100",
    "HOPPER_141": "H200",
    "BLACKWELL_180": "B200",
}
HOUR_S, DAY_S = 3600, 86_400


def worker_price(gpu: Gpu, price: float | None) -> tuple[float, str] | None:
    """Dollars a worker's second in the dearest of its pools, and where that is from; None where no price is known."""
    if price is not None:
        return rate(None, price)
    if not gpu.pools or any(pool not in DEAREST for pool in gpu.pools):
        return None
    usd, source = max(rate(DEAREST[pool], None) for pool in gpu.pools)
    return usd * gpu.count, source


def worst_case(workers: Workers, gpu: Gpu, price: float | None) -> str:
    """One line: all workers busy, and none. `price` is dollars a worker's second, None: by the price list."""
    known = worker_price(gpu, price)
    if known is None:
        return f"no price is known for {', '.join(gpu.pools) or 'its GPUs'}; --price gives one"
    usd, source = known
    busy = f"at most ${workers.max * usd:.5f} a second (${workers.max * usd * HOUR_S:.2f} an hour)"
    busy += f" with {workers.max} worker{'s' * (workers.max != 1)} busy"
    if workers.min == 0:
        return f"{busy}; nothing while there is nothing to do ({source})"
    return f"{busy}; ${workers.min * usd * DAY_S:.2f} a day for {workers.min} kept awake, busy or not ({source})"
