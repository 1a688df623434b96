"""`framefleet bill`: RunPod's bill for the endpoints, compared with FrameFleet's own accounting."""

import contextlib
import json
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from framefleet.cli.output.table import Column, Page
from framefleet.config.endpoints import Fleet
from framefleet.config.loading import load_fleet, load_options
from framefleet.errors import InputError, UsageError
from framefleet.fleet.backends.runpod.management_api import BillingRecord, ManageApi
from framefleet.fleet.backends.runpod.survey import Survey
from framefleet.fleet.billing.reconciliation import (
    Line,
    Ours,
    Spent,
    line,
    ours,
    theirs,
    window,
)
from framefleet.fleet.billing.usage import JobUsage
from framefleet.journal.file import FILE_NAME
from framefleet.journal.look import charged
from framefleet.logs import logger
from framefleet.schema.codec import read_document
from framefleet.schema.document import Document
from framefleet.timebase import Seconds

log = logger(__name__)

UNITS = {"h": 3600, "d": 86_400, "w": 604_800}
SINCE = "7d"


def bill(
    results: Annotated[
        list[Path] | None, typer.Argument(help="results whose time range to compare", metavar="RESULT")
    ] = None,
    *,
    since: Annotated[
        str | None, typer.Option(help=f"without results: a period (12h, 7d) or start date ({SINCE})", metavar="TIME")
    ] = None,
    output_dir: Annotated[
        Path | None, typer.Option("--output-dir", "-o", help="folder of the results and the journal", metavar="FOLDER")
    ] = None,
    journal: Annotated[
        Path | None, typer.Option("--journal", metavar="FOLDER", help="the folder of journals that runs had")
    ] = None,
    price: Annotated[float | None, typer.Option(help="dollars per worker-second, instead of the price list")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> int:
    """Compare RunPod's bill for the endpoints with FrameFleet's own accounting, and explain the difference."""
    if results and since is not None:
        raise UsageError("--since: cannot be combined with results", hint="give one of them")
    options = load_options({"output_dir": output_dir, "journal": journal, "price": price})
    fleet = load_fleet()
    documents = [(read_document(path), path) for path in results or ()]
    folders = [path.parent for _, path in documents] or [options.output_dir]
    journals = [*dict.fromkeys(folder / FILE_NAME for folder in folders), *filter(None, [options.journal])]
    jobs = [job for path in journals for job in spent(path)]
    asked = {document.video.sha256 for document, _ in documents}
    mine = [job for job in jobs if job.source in asked]
    start_s, end_s = _time(documents, mine, since)
    start, end, bucket = window(start_s, end_s)
    with contextlib.closing(ManageApi(fleet)) as api:
        records = api.bill(start, end, bucket)
    then = [job for job in jobs if start.timestamp() <= job.at_s < end.timestamp()]
    own = [job for job in then if not documents or job.source in asked]
    others = [job for job in then if documents and job.source not in asked]
    lines = _lines(fleet, documents, own, others, records, options.price)
    if as_json:
        compared = {"from": start, "to": end, "bucket": bucket, "endpoints": lines}
        print(json.dumps(msgspec.to_builtins(compared), indent=2, ensure_ascii=False))
    else:
        _show(lines, start, end)
    return 0


def spent(journal: Path) -> list[Spent]:
    """Return the jobs whose usage the journal has saved; none if it cannot be read."""
    found = []
    for endpoint, source, kept in charged(journal):
        kind, _, id = endpoint.partition(" ")
        try:
            found.append(Spent(kind=kind, id=id, source=source, charge=msgspec.json.decode(kept, type=JobUsage)))
        except msgspec.MsgspecError as error:
            log.info("a usage entry in %s cannot be read", journal, exc_info=error)
    return found


def seconds_since(text: str, now_s: Seconds) -> Seconds:
    """Parse a period such as `7d`, `12h` or `2w`, or a date, into seconds since 1970. Raises `UsageError`."""
    with contextlib.suppress(ValueError, OverflowError):
        if found := re.fullmatch(r"([0-9]{1,5})([hdw])", text.strip()):
            return now_s - int(found[1]) * UNITS[found[2]]
        day = datetime.fromisoformat(text.strip())
        at_s = (day if day.tzinfo is not None else day.replace(tzinfo=UTC)).timestamp()
        if 0 <= at_s < now_s:
            return at_s
    raise UsageError(
        f"--since {text}: not a past time", hint="give a period such as 12h, 7d or 2w, or a date such as 2026-11-01"
    )


def _time(
    documents: Sequence[tuple[Document, Path]], mine: Sequence[Spent], since: str | None
) -> tuple[Seconds, Seconds]:
    """Return the start and end of the period to compare, in seconds since 1970."""
    if not documents:
        now_s = time.time()
        return seconds_since(since or SINCE, now_s), now_s
    times = [at_s for job in mine for at_s in (job.at_s, job.until_s)]
    for document, path in documents:
        try:
            came = (document.provenance.started_at, document.provenance.finished_at)
            times += [datetime.fromisoformat(text).timestamp() for text in came]
        except ValueError:
            raise InputError(f"{path}: has no creation time", hint="run the video again") from None
    return min(times), max(times)


def _lines(
    fleet: Fleet,
    documents: Sequence[tuple[Document, Path]],
    own: Sequence[Spent],
    others: Sequence[Spent],
    records: Sequence[BillingRecord],
    price: float | None,
) -> list[Line]:
    """Return a line for each endpoint that is configured, or has jobs in the journal from that time."""
    survey, billed = Survey(fleet, price), theirs(records)
    kinds: dict[str, list[str]] = {}  # one endpoint may serve several, such as whisper and speakers
    for kind, id in [*fleet.endpoints.items(), *((job.kind, job.id) for job in (*own, *others))]:
        served = kinds.setdefault(id, [])
        if kind not in served:
            served.append(kind)
    lines = []
    for id, served in kinds.items():
        tariff = survey.tariff(served[0])
        here = [job for job in own if job.id == id]
        counted = ours(here, [job for job in others if job.id == id], price, tariff)
        if documents and not here:  # without its journal, use the costs in the document
            configured = [kind for kind in served if fleet.endpoints.get(kind) == id]
            counted = _counted(documents, configured) if configured else counted
        if id in billed or counted.requests or not documents:
            lines.append(line(", ".join(served), id, billed[id], counted, tariff.idle_s))
    return lines


def _counted(documents: Sequence[tuple[Document, Path]], kinds: Sequence[str]) -> Ours:
    """Return the costs in the documents of the stages that run on these endpoints."""
    from framefleet.stages import registry

    names = [name for name, runs in registry.remote().items() if runs.endpoint in kinds]
    costs = [cost for document, _ in documents for name, cost in document.cost.stages.items() if name in names]
    costs = [cost for cost in costs if cost.billed]
    return Ours(
        usd=round(sum(cost.usd for cost in costs), 6),
        billed_s=sum(cost.billed_s for cost in costs),
        execution_s=sum(cost.execution_s for cost in costs),
        requests=sum(cost.requests for cost in costs),
        workers=sum(cost.workers for cost in costs),
        start_wait_s=sum(cost.first_delay_s for cost in costs),
        start_wait_usd=round(sum(cost.first_delay_s * cost.usd_per_s for cost in costs), 6),
        rate_source="; ".join(dict.fromkeys(cost.rate_source for cost in costs)),
    )


def _show(lines: Sequence[Line], start: datetime, end: datetime) -> None:
    page = Page()
    page.title(f"RunPod's bill and FrameFleet's accounting, {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC")
    if not lines:
        page.line("", "no requests to RunPod, and no endpoint is configured")
        return
    sums = [(f"{one.kind} {one.id}", one.runpod, one.ours.usd, one.differs) for one in lines]
    page.table(
        [
            Column("endpoint", [name for name, *_ in sums], style="bold", least=12),
            *(
                Column(what, [_usd(getattr(runpod, what)) for _, runpod, *_ in sums], right=True, rank=rank)
                for what, rank in (("gpu", 1), ("cpu", 3), ("disk", 2), ("fee", 2), ("total", 0))
            ),
            Column("ours", [_usd(usd) for *_, usd, _ in sums], right=True),
            Column("difference", [_usd(differs) for *_, differs in sums], right=True),
        ]
    )
    for one in lines:
        for place, why in enumerate(one.why):
            page.line(one.kind if place == 0 else "", why)
        if one.ours.rate_source:
            page.line("" if one.why else one.kind, f"our rate: {one.ours.rate_source}")
    total, counted = sum(one.runpod.total for one in lines), sum(one.ours.usd for one in lines)
    page.line("total", f"RunPod {_usd(total)}, ours {_usd(counted)}")
    if end.timestamp() > time.time():
        page.line("", "the period is not over: RunPod may bill part of it later")


def _usd(usd: float) -> str:
    return f"{'-' if usd < 0 else ''}${abs(usd):.4f}"
