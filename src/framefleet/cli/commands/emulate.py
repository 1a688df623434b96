"""`framefleet emulate`: a local emulator of RunPod's queue, for developing handlers and clients."""

import contextlib
import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from framefleet.config.endpoints import endpoint_kinds
from framefleet.config.settings import variable
from framefleet.errors import SetupError, UsageError
from framefleet.install_hints import with_extra

if TYPE_CHECKING:
    from framefleet.emulator.endpoint import EmulatedEndpoint
    from framefleet.emulator.make import EndpointSettings

API_KEY = "local-emulator"  # not a secret: valid only for this service, which listens on this machine alone
HANDLERS = ["yolo=objects", "whisper=speech"]


def emulate(
    *,
    port: Annotated[int, typer.Option(help="port to listen on; 0 for any free port", min=0, max=65535)] = 8765,
    handler: Annotated[
        list[str] | None,
        typer.Option(
            help="handler of an endpoint: ENDPOINT=objects, ENDPOINT=speech or ENDPOINT=module:function",
            show_default=", ".join(HANDLERS),
        ),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="answer after this many seconds with empty results, without a model", min=0)
    ] = None,
    seconds_alone: Annotated[
        float | None,
        typer.Option(help="like --seconds, for a batch of one frame (default: --seconds)", min=0, show_default=False),
    ] = None,
    workers: Annotated[int, typer.Option(help="maximum workers per endpoint", min=1)] = 3,
    min_workers: Annotated[int, typer.Option(help="workers that always run", min=0)] = 0,
    cold_start: Annotated[float, typer.Option(help="cold start of a worker, in seconds", min=0)] = 0.0,
    idle: Annotated[float, typer.Option(help="idle timeout of a worker, in seconds", min=0)] = 5.0,
    clock_scale: Annotated[float, typer.Option(help="emulated seconds per real second", min=0.001)] = 1.0,
    rate_limit: Annotated[
        int | None, typer.Option(help="rate limit, in new jobs per 10 seconds [1000]", min=1, show_default=False)
    ] = None,
    faults: Annotated[str, typer.Option(help="faults to inject, such as 429=0.05,lost=0.1,seed=1 or all=0.05")] = "",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="log each job")] = False,
) -> int:
    """Emulate RunPod's serverless queue on this machine, until Ctrl-C."""
    try:
        from framefleet.emulator.clock import ScaledClock
        from framefleet.emulator.faults import Faults
        from framefleet.emulator.processes import wait_for_all
        from framefleet.emulator.rates import RUNPOD, at_most
        from framefleet.emulator.serve import Service
    except ImportError as error:
        raise SetupError(f"{error.name} is not installed", hint=with_extra("emulator")) from None
    if verbose:
        _log_jobs()
    clock = ScaledClock(clock_scale)
    settings: EndpointSettings = {
        "min_workers": min(min_workers, workers),
        "cold_start_s": cold_start,
        "idle_s": idle,
        "clock": clock,
        "rates": RUNPOD if rate_limit is None else at_most(rate_limit),
    }
    names = _pairs(handler or HANDLERS)
    endpoints = {
        id: _endpoint(name, seconds, seconds_alone, workers, {**settings, "name": id, "faults": Faults.parse(faults)})
        for id, name in names.items()
    }
    service = Service(endpoints, API_KEY, port)
    try:
        service.start()
    except OSError as error:
        raise UsageError(
            f"--port {port}: {error.strerror or error}", hint="choose another, or 0 for any free one"
        ) from None
    introduce(service.base_url, list(endpoints))
    with contextlib.suppress(KeyboardInterrupt):
        _wait_for_the_end()
    service.close()
    wait_for_all(2.0)
    print("\n" + "\n".join(_account(id, endpoint) for id, endpoint in endpoints.items()))
    return 0


def _endpoint(
    handler: str, seconds: float | None, seconds_alone: float | None, workers: int, settings: "EndpointSettings"
) -> "EmulatedEndpoint":
    import time

    from framefleet.emulator.handlers import check_handler
    from framefleet.emulator.make import make_endpoint, open_endpoint
    from framefleet.emulator.processes import InProcess
    from framefleet.emulator.timed import TimedHandler

    if seconds is None:
        check_handler(handler)
        return open_endpoint(lambda: InProcess(handler), workers, **settings)
    real = settings["clock"].real
    alone = seconds if seconds_alone is None else seconds_alone
    return make_endpoint(TimedHandler(seconds, alone, lambda s: time.sleep(real(s))), workers, **settings)


def _pairs(handlers: list[str]) -> dict[str, str]:
    pairs = {id: name for id, _, name in (text.partition("=") for text in handlers)}
    if not all(id and name and "/" not in id for id, name in pairs.items()):
        raise UsageError(
            "--handler: not an endpoint and its handler",
            hint="give endpoint=handler, such as yolo=objects or yolo=my_module:handler",
        )
    return pairs


def introduce(base_url: str, ids: list[str]) -> None:
    """Print the environment variables that point a client to this service."""
    variables = {"RUNPOD_API_KEY": API_KEY, "RUNPOD_ENDPOINT_BASE_URL": base_url}
    variables |= {variable(f"{id}_endpoint"): id for id in ids if id in endpoint_kinds()}
    command = "set" if os.name == "nt" else "export"
    print("\n".join(f"{command} {name}={value}" for name, value in variables.items()), flush=True)
    print("Press Ctrl-C to stop.", file=sys.stderr, flush=True)


def _wait_for_the_end() -> None:
    for end in (signal.SIGINT, signal.SIGTERM):  # a shell's background job starts with SIGINT ignored
        signal.signal(end, signal.default_int_handler)
    forever = threading.Event()
    while not forever.wait(0.5):  # Windows handles Ctrl-C only between waits
        pass


def _account(id: str, endpoint: "EmulatedEndpoint") -> str:
    jobs = ", ".join(f"{count} {state}" for state, count in endpoint.health()["jobs"].items() if count)
    ledger, bill = endpoint.ledger, endpoint.bill
    struck = ", ".join(f"{fault} {count}" for fault, count in endpoint.faults.struck.items())
    return (
        f"{id}: jobs: {jobs or 'none'}; {len(ledger.executions)} executions of {ledger.unit_runs} frames or clips; "
        f"{len(bill.shifts)} workers, {bill.seconds} s billed, ${bill.usd():.4f}"
        + (f"; faults: {struck}" if struck else "")
    )


def _log_jobs() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    log = logging.getLogger("framefleet.emulator")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
