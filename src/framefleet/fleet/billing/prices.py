"""The price per second of a RunPod serverless worker, by GPU: a dated table, or RunPod's own list read live.

Pure: `catalog` reads the list. Prices change, so every figure comes with its source.
"""

import re
from collections.abc import Collection, Iterable, Sequence

import msgspec

from framefleet.timebase import Seconds

TABLE_DATE = "2026-06-08"
ASSUMED = "NVIDIA L4"  # if a worker does not report its GPU and its endpoint's pools are not known
HOUR_S = 3600
IDLE_TIMEOUT_S = 5.0  # RunPod's default: how long a worker is kept, and billed, after its last job


class GpuPrice(msgspec.Struct, frozen=True):
    """A row of a list: `gpu` as RunPod spells it, `name` its short name. `usd_per_s` None: not on the list."""

    gpu: str
    pool: str | None
    usd_per_s: float | None
    name: str = ""


class PriceList(msgspec.Struct, frozen=True):
    """A price list; `source` names it and its day."""

    gpus: tuple[GpuPrice, ...]
    source: str

    def find(self, gpu: str) -> GpuPrice | None:
        """Return the row of a GPU by any spelling that a worker reports; of several the most specific one."""
        said = _words(gpu)
        fitting = [(len(words), row) for row in self.gpus for words in _spellings(row) if words and words <= said]
        return max(fitting, key=lambda found: (found[0], found[1].usd_per_s or 0.0))[1] if fitting else None

    def dearest(self, pools: Collection[str] = ()) -> GpuPrice | None:
        """Return the most expensive GPU of these pools, or of all; None if none has a price."""
        priced = [row for row in self.gpus if row.usd_per_s is not None and (not pools or row.pool in pools)]
        return max(priced, key=lambda row: row.usd_per_s or 0.0, default=None)


def _rows(pool: str | None, usd_per_s: float | None, *gpus: str) -> Iterable[GpuPrice]:
    return (GpuPrice(gpu, pool, usd_per_s) for gpu in gpus)


# Prices of RunPod's list of TABLE_DATE; pools of its reference of GPU types (August 2026). GPUs without a price on the
# list are here for their pool. A name holds only the words that all spellings of the card have in common.
TABLE = PriceList(
    (
        *_rows("AMPERE_16", 0.00016, "RTX A4000", "RTX A4500", "RTX 4000 Ada", "RTX 4000 SFF Ada", "RTX 2000 Ada"),
        *_rows("AMPERE_24", 0.00019, "NVIDIA L4", "RTX A5000", "RTX 3090"),
        *_rows("ADA_24", 0.00031, "RTX 4090"),
        *_rows("ADA_32_PRO", None, "RTX 5090"),
        *_rows("AMPERE_48", 0.00034, "RTX A6000", "NVIDIA A40"),
        *_rows("ADA_48_PRO", 0.00053, "NVIDIA L40", "NVIDIA L40S", "RTX 6000 Ada"),
        *_rows("AMPERE_80", 0.00076, "NVIDIA A100"),
        *_rows("ADA_80_PRO", 0.00116, "NVIDIA H100"),
        *_rows("BLACKWELL_96", 0.00111, "RTX PRO 6000"),
        *_rows("HOPPER_141", 0.00155, "NVIDIA H200"),
        *_rows("BLACKWELL_180", 0.00240, "NVIDIA B200"),
        *_rows(None, None, "NVIDIA B300"),
    ),
    f"RunPod price list of {TABLE_DATE}",
)


class Tariff(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one endpoint's bill before its workers report. `pools`: where they may run, () for not known.

    `gpus` is the number per worker; `idle_s` is how long a worker is kept, and billed, after its last job.
    """

    prices: PriceList = TABLE
    pools: tuple[str, ...] = ()
    gpus: int = 1
    idle_s: Seconds = IDLE_TIMEOUT_S


LISTED = Tariff()


def rate(gpu: str | None, override: float | None, tariff: Tariff = LISTED) -> tuple[float, str]:
    """Return the dollars per second for a worker with this GPU, and the source of that figure.

    An unknown GPU counts as the most expensive of its pool, or of its endpoint's pools, or of all: a bill may turn out
    lower than it was estimated, and not higher.
    """
    if override is not None:
        return override, "given by --price"
    row, source, how = _row(gpu or None, tariff)
    cards = f", {tariff.gpus} per worker" if tariff.gpus > 1 else ""
    return (row.usd_per_s or 0.0) * tariff.gpus, f"{source}, {_short(row.gpu)}{how}{cards}"


def _row(gpu: str | None, tariff: Tariff) -> tuple[GpuPrice, str, str]:
    """Return the row that a worker is billed by, the list it is from, and why, if it is not that of its GPU.

    GPUs without a price on the list are looked up in the table.
    """
    lists = [tariff.prices] if tariff.prices is TABLE else [tariff.prices, TABLE]
    rows = [row for prices in lists if gpu is not None and (row := prices.find(gpu)) is not None]
    own = [row.pool for row in rows if row.pool is not None][:1]
    for prices in lists:
        found = prices.find(gpu or ASSUMED) if gpu is not None or not tariff.pools else None
        if found is not None and found.usd_per_s is not None:
            return found, prices.source, _as_what(gpu, found)
        if own and (dearest := prices.dearest(own)) is not None:
            return dearest, prices.source, _assumed(f"the most expensive of {own[0]}", gpu)
    priced = [first for pool in tariff.pools if (first := _first(lists, [pool])) is not None]
    named = ", ".join(tariff.pools) if priced else "all"
    priced = priced or [(row, prices.source) for prices in lists if (row := prices.dearest()) is not None]
    row, source = max(priced, key=lambda found: found[0].usd_per_s or 0.0)
    return row, source, _assumed(f"the most expensive of {named}", gpu)


def _first(lists: Sequence[PriceList], pools: Sequence[str]) -> tuple[GpuPrice, str] | None:
    """Return the most expensive GPU of the pools, from the first list that has a price for one, and that list."""
    found = ((row, prices.source) for prices in lists if (row := prices.dearest(pools)) is not None)
    return next(found, None)


def _as_what(gpu: str | None, found: GpuPrice) -> str:
    if gpu is None:
        return _assumed("", gpu)
    slice_of = "MIG" in _words(gpu) and "MIG" not in _words(found.gpu)
    return f", the whole card: {gpu} is a part of one" if slice_of else ""


def _assumed(named: str, gpu: str | None) -> str:
    why = "the worker's GPU is not known" if gpu is None else f"{gpu} has no price there"
    return f" assumed{', ' if named else ''}{named}: {why}"


# Words that spellings hold or leave out at will; none of them distinguishes two cards.
_NOISE = {"NVIDIA", "GEFORCE", "RTX", "TESLA", "GENERATION"}


def _words(gpu: str) -> frozenset[str]:
    apart = re.sub(r"(?<=RTX|GTX)(?=\d)", " ", gpu.upper())
    return frozenset(re.findall(r"[A-Z0-9]+", apart)) - _NOISE


def _spellings(row: GpuPrice) -> Iterable[frozenset[str]]:
    return (_words(row.gpu), _words(row.name))


def _short(gpu: str) -> str:
    return gpu.removeprefix("NVIDIA ").removeprefix("GeForce ")
