"""An emulated RunPod service in a process of its own, so that what it costs is not counted with the client.

Workers take as long as a GPU is assumed to and find nothing: 0.2 s for a batch of pictures, 0.03 s for one, and for
sound a fortieth of its length.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from framefleet.config import load_fleet

KEY = "a-key-for-the-stand-in"
KINDS = ("yolo", "whisper")


@contextmanager
def service(workers: int) -> Iterator[dict[str, str]]:
    """The client's environment for a running service with `workers` workers to an endpoint."""
    command = [sys.executable, __file__, str(workers)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        endpoints = {f"FRAMEFLEET_{kind.upper()}_ENDPOINT": kind for kind in KINDS}
        try:
            yield {**os.environ, **endpoints, "RUNPOD_API_KEY": KEY, "RUNPOD_ENDPOINT_BASE_URL": url}
        finally:
            process.communicate()


def fleet_of(environ: dict[str, str]) -> Any:
    """The same for use in this process."""
    return load_fleet(environ=environ)


def silent_whisper(job: dict[str, Any]) -> dict[str, Any]:
    time.sleep(job["input"]["duration_s"] / 40)
    heard = {"language": "en", "language_probability": 0.0, "segments": []}
    return {"schema_version": "1", "model": "timed", "model_id": "", "device": "cpu", "gpu": None, **heard}


def main() -> None:
    from framefleet.emulator.app import make_endpoint
    from framefleet.emulator.serve import serving
    from framefleet.emulator.timed import timed_yolo

    handlers = {"yolo": timed_yolo(batch_s=0.2, frame_s=0.03), "whisper": silent_whisper}
    endpoints = {kind: make_endpoint(handlers[kind], int(sys.argv[1])) for kind in KINDS}
    with serving(endpoints, KEY) as url:
        print(url, flush=True)
        sys.stdin.read()  # until the other end closes it


if __name__ == "__main__":
    main()
