"""An emulated service in its own process that reports what it has received. See `emulating`.

The workers' answers depend on the content of each frame, so that two documents can be compared.
"""

import json
import os
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from framefleet.config.endpoints import Fleet
from framefleet.config.loading import load_fleet

KEY = "a-key-for-the-stand-in"
_WORKER = {"schema_version": "1", "model": "checksum", "model_id": "", "device": "cpu", "gpu": None}


class Emulated:
    """A running service. `environ` is a client's environment for it, `fleet` the same for use in this process."""

    def __init__(self, process: "subprocess.Popen[str]", kinds: Iterator[str], url: str) -> None:
        self._process = process
        endpoints = {f"FRAMEFLEET_{kind.upper()}_ENDPOINT": kind for kind in kinds}
        self.environ = {**os.environ, **endpoints, "RUNPOD_API_KEY": KEY, "RUNPOD_ENDPOINT_BASE_URL": url}

    @property
    def fleet(self) -> Fleet:
        return load_fleet(environ=self.environ)

    def tell(self, what: str = "sums", kind: str = "yolo") -> Any:
        """Print `sums` of an endpoint's work, or the `times` of the frames of each execution, in order."""
        assert self._process.stdin is not None and self._process.stdout is not None
        print(what, kind, file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())


@contextmanager
def emulating(**endpoints: dict[str, Any]) -> Iterator[Emulated]:
    """Yield a service, as `emulating(yolo={"workers": 3, "batch_s": 0.2})`; see `open_endpoint` for the settings."""
    command = [sys.executable, __file__, json.dumps(endpoints)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        try:
            yield Emulated(process, iter(endpoints), url)
        finally:
            process.communicate()


class _Frame(msgspec.Struct):
    index: int
    time_s: float
    jpeg: msgspec.Raw


class _Source(msgspec.Struct):
    frames: list[_Frame]


class _Asked(msgspec.Struct):
    source: _Source | None = None
    duration_s: float = 0.0


class Checksums:
    """A handler that finds one object per frame, its checksum as confidence, and the length of a clip as speech."""

    def __init__(self, batch_s: float) -> None:
        self._batch_s = batch_s

    def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        return self.raw(msgspec.json.encode(job["input"]))

    def raw(self, input: Any) -> dict[str, Any]:
        asked = msgspec.json.decode(input, type=_Asked)
        time.sleep(self._batch_s)
        if asked.source is None:
            said = {"start_s": 0.0, "end_s": asked.duration_s, "text": f" {asked.duration_s:.2f}"}
            said |= {"avg_logprob": -0.1, "no_speech_prob": 0.0, "words": []}
            return {**_WORKER, "language": "en", "language_probability": 1.0, "segments": [said]}
        return {**_WORKER, "frames": [self._seen(frame) for frame in asked.source.frames]}

    def _seen(self, frame: _Frame) -> dict[str, Any]:
        confidence = zlib.crc32(frame.jpeg) / 2**32
        found = {"class_id": 0, "label": "person", "confidence": confidence, "box": [1.0, 2.0, 3.0, 4.0]}
        return {"index": frame.index, "time_s": frame.time_s, "objects": [found], "error": None}


def open_endpoint(
    *,
    workers: int = 3,
    batch_s: float = 0.0,
    frame_s: float = 0.0,
    checksums: bool = False,
    faults: str = "",
    runs: int | None = None,
    window_s: float = 10.0,
    scale: float = 1.0,
    **more: Any,
) -> Any:
    """Open an endpoint with at most `runs` new jobs in `window_s` if given, and `scale` emulated seconds per real."""
    from framefleet.emulator.clock import ScaledClock
    from framefleet.emulator.faults import Faults
    from framefleet.emulator.make import make_endpoint
    from framefleet.emulator.rates import RUNPOD, at_most
    from framefleet.emulator.timed import timed_yolo

    handler = Checksums(batch_s) if checksums else timed_yolo(batch_s, frame_s)
    rates = RUNPOD if runs is None else at_most(runs, window_s)
    return make_endpoint(handler, workers, faults=Faults.parse(faults), rates=rates, clock=ScaledClock(scale), **more)


def sums(endpoint: Any) -> dict[str, Any]:
    ledger = endpoint.ledger
    per_unit = ledger.per_unit()
    return {
        "executions": len(ledger.executions),
        "unit_runs": ledger.unit_runs,
        "units": len(per_unit),
        "most_often": max(per_unit.values(), default=0),
        "billed_s": endpoint.bill.seconds,
        "jobs": endpoint.health()["jobs"],
        "struck": {str(fault): count for fault, count in endpoint.faults.struck.items()},
        "cpu_s": time.process_time(),
    }


def times(endpoint: Any) -> list[list[float | None]]:
    return [[unit.time_s for unit in done.units] for done in list(endpoint.ledger.executions)]


def main() -> None:
    from framefleet.emulator.serve import serving

    endpoints = {kind: open_endpoint(**settings) for kind, settings in json.loads(sys.argv[1]).items()}
    with serving(endpoints, KEY) as url:
        print(url, flush=True)
        for line in sys.stdin:  # until the other end closes it
            what, kind = line.split()
            print(json.dumps({"sums": sums, "times": times}[what](endpoints[kind])), flush=True)


if __name__ == "__main__":
    main()
