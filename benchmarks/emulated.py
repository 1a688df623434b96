"""An emulated RunPod service in its own process, so that its cost is not counted with the client's.

Workers take as long as a GPU is assumed to and find nothing: 0.2 s for a batch of frames, 0.03 s for one frame, a
fortieth of the length of sound for speech, and 0.2 s per clip for sounds.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from framefleet.config.loading import load_fleet

KEY = "a-key-for-the-stand-in"
KINDS = ("yolo", "whisper", "ast", "ocr")


@contextmanager
def service(workers: int, *flags: str) -> Iterator[dict[str, str]]:
    """Yield a client's environment for a running service with `workers` workers per endpoint.

    With the flag "flat", speech takes 0.2 s per clip too.
    """
    command = [sys.executable, __file__, str(workers), *flags]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        endpoints = {f"FRAMEFLEET_{kind.upper()}_ENDPOINT": kind for kind in KINDS}
        try:
            yield {**os.environ, **endpoints, "RUNPOD_API_KEY": KEY, "RUNPOD_ENDPOINT_BASE_URL": url}
        finally:
            process.communicate()


def fleet_of(environ: dict[str, str]) -> Any:
    """Return the same for use in this process."""
    return load_fleet(environ=environ)


def silent_whisper(job: dict[str, Any]) -> dict[str, Any]:
    time.sleep(job["input"]["duration_s"] / 40)
    heard = {"language": "en", "language_probability": 0.0, "segments": []}
    return {"schema_version": "1", "model": "timed", "model_id": "", "device": "cpu", "gpu": None, **heard}


def main() -> None:
    from framefleet.emulator.app import make_endpoint
    from framefleet.emulator.serve import serving
    from framefleet.emulator.timed import TimedHandler

    pictures, clips = TimedHandler(0.2, 0.03), TimedHandler(0.2, 0.2)
    whisper = clips if "flat" in sys.argv else silent_whisper
    handlers = {"yolo": pictures, "ocr": pictures, "whisper": whisper, "ast": clips}
    endpoints = {kind: make_endpoint(handlers[kind], int(sys.argv[1])) for kind in KINDS}
    with serving(endpoints, KEY) as url:
        print(url, flush=True)
        sys.stdin.read()  # until the other end closes it


if __name__ == "__main__":
    main()
