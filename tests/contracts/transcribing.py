"""A transcription API as a third backend of the contract: what is asked is its model, what is echoed its text."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from framefleet.cancel import CancelScope
from framefleet.config.endpoints import Secret
from framefleet.errors import JobFailedError, OutOfMemoryError
from framefleet.fleet.backends.base import CALLS, Done, Health, Job
from framefleet.fleet.backends.openai.backend import OpenAiBackend
from framefleet.protocol.whisper import WhisperRequest
from framefleet.protocol.yolo import YoloRequest
from framefleet.timebase import Seconds
from tests.fleet.openai_service import KEY, Asked, serving, verbose

HAS_NO_SUCH = {OutOfMemoryError, JobFailedError}
"""What only a worker of ours says: of its memory nothing is told, and a fault of a service is `UnreachableError`."""


class Transcribing:
    """The backend, asked about pictures: a `YoloRequest` as a call whose `model` is its `conf`, the text its answer."""

    name = "api"

    capabilities = CALLS

    def __init__(self, backend: OpenAiBackend) -> None:
        self._backend = backend
        self.cancel, self.attach, self.close = backend.cancel, backend.attach, backend.close

    def submit(self, endpoint: str, request: msgspec.Struct, cancel: CancelScope | None = None) -> Job:
        assert isinstance(request, YoloRequest)
        call = WhisperRequest(model=str(request.conf), audio=b"OggS", format="opus", duration_s=1.0)
        return self._backend.submit({"yolo": "whisper"}.get(endpoint, endpoint), call, cancel)

    def wait(self, job: Job, timeout_s: Seconds, cancel: CancelScope | None = None) -> Done:
        done = self._backend.wait(job, timeout_s, cancel)
        return Done({"echo": float(done.output["segments"][0]["text"])}, done.receipt)

    def health(self, endpoint: str) -> Health:
        return self._backend.health(endpoint)


@contextmanager
def transcribing(worker: Callable[[dict[str, Any]], dict[str, Any]]) -> Iterator[Transcribing]:
    """The backend on a service that `worker` answers for, one call at a time."""

    def answer(asked: Asked) -> tuple[int, dict[str, Any]]:
        output = worker({"input": {"conf": float(asked.form["model"])}})
        if "error" in output:
            return 400, {"error": {"message": output["error"]}}
        return 200, verbose(str(output["echo"]))

    with serving() as service:
        service.answer = answer
        backend = OpenAiBackend(service.url, Secret(KEY), workers=1)
        try:
            yield Transcribing(backend)
        finally:
            backend.close()
