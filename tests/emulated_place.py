"""A service whose workers a test can hold, for tests of sessions and of what analyzes many videos."""

import threading
from pathlib import Path
from typing import Any

from framefleet.config.endpoints import Fleet, Secret
from framefleet.emulator.make import make_endpoint
from framefleet.emulator.serve import Service
from framefleet.schema.document import Document
from tests.cli.conftest import sees_a_person
from tests.conftest import API_KEY
from tests.media.make import make_video


class Place:
    """An emulated service with a yolo endpoint whose workers a test can hold, and a folder of videos."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        self.folder = folder
        self.go = threading.Event()
        self.go.set()
        self.at_work = threading.Semaphore(0)
        self.endpoint = make_endpoint(self._works, workers)
        self.service = Service({"yolo-id": self.endpoint}, API_KEY)
        self.service.start()
        self.fleet = Fleet(endpoints={"yolo": "yolo-id"}, api_key=Secret(API_KEY), base_url=self.service.base_url)

    def _works(self, job: dict[str, Any]) -> dict[str, Any]:
        self.at_work.release()
        self.go.wait(60)
        return sees_a_person(job)

    def video(self, name: str = "clip.mp4", frames: int = 30) -> Path:
        """Six pictures at one a second, unless there are to be others."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        return make_video(self.folder / name, frames=frames, fps=5)

    def jobs(self) -> int:
        """That are queued or at work."""
        jobs = self.endpoint.health()["jobs"]
        return int(jobs["inQueue"] + jobs["inProgress"])

    def executions(self) -> int:
        return self.endpoint.ledger.unit_runs

    def most_often(self) -> int:
        return max(self.endpoint.ledger.per_unit().values(), default=0)


def numbers(document: Document) -> list[float]:
    return [picture.time_s for picture in document.detections if picture.objects]
