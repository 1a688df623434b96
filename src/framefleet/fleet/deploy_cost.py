"""What an endpoint can cost at worst, before anything runs on it. Pure."""

from framefleet.fleet.manage_api import Gpu, Workers
from framefleet.fleet.prices import HOUR_S, TABLE, PriceList, Tariff, rate

DAY_S = 86_400
SPEND_LIMIT_USD = 80  # an hour, RunPod's default for all that an account runs (its documentation of August 2026)


def worker_price(gpu: Gpu, price: float | None, prices: PriceList = TABLE) -> tuple[float, str] | None:
    """Dollars a worker's second in the dearest of its pools, and where that is from; None where no price is known."""
    if price is not None:
        return rate(None, price)
    if not gpu.pools or any((prices.dearest([pool]) or TABLE.dearest([pool])) is None for pool in gpu.pools):
        return None
    usd, source = max(rate(None, None, Tariff(prices=prices, pools=(pool,), gpus=gpu.count)) for pool in gpu.pools)
    return usd, source.replace(": the worker's GPU is not known", "")


def worst_usd_per_hour(workers: Workers, gpu: Gpu, price: float | None, prices: PriceList = TABLE) -> float:
    """With all workers busy; 0 where no price is known."""
    known = worker_price(gpu, price, prices)
    return workers.max * known[0] * HOUR_S if known is not None else 0.0


def worst_case(workers: Workers, gpu: Gpu, price: float | None, prices: PriceList = TABLE) -> str:
    """One line: all workers busy, and none. `price` is dollars a worker's second, None: by the price list."""
    known = worker_price(gpu, price, prices)
    if known is None:
        return f"no price is known for {', '.join(gpu.pools) or 'its GPUs'}; --price gives one"
    usd, source = known
    busy = f"at most ${workers.max * usd:.5f} a second (${workers.max * usd * HOUR_S:.2f} an hour)"
    busy += f" with {workers.max} worker{'s' * (workers.max != 1)} busy"
    if workers.min == 0:
        return f"{busy}; nothing while there is nothing to do ({source})"
    return f"{busy}; ${workers.min * usd * DAY_S:.2f} a day for {workers.min} kept awake, busy or not ({source})"


def over_limit(usd_per_hour: float) -> str:
    """RunPod's own limit, which is the account's, and whether this much would pass it."""
    limit = f"RunPod lets an account spend ${SPEND_LIMIT_USD} an hour by default, all that it runs together"
    return f"{limit}; these could come to ${usd_per_hour:.2f}" if usd_per_hour > SPEND_LIMIT_USD else limit
