"""Images that are out there go on working: the first version's handlers answer all that today's client sends."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from framefleet.analysis import execute, prepare
from framefleet.config.loading import make_options
from framefleet.progress import Notice

pytestmark = pytest.mark.full

FOLDER = Path(__file__).with_name("first")
STAGES = ("objects", "speech", "sounds", "text", "scenes", "tracks")
KINDS = ("yolo", "whisper", "ast", "ocr")

Handler = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def handlers() -> Iterator[dict[str, Handler]]:
    """The first version's handlers, by kind of endpoint. Jobs reach them as JSON, as they reach a worker."""
    command = [sys.executable, str(FOLDER / "answer.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as worker:
        one_at_a_time = threading.Lock()
        reads, writes = worker.stdout, worker.stdin
        assert reads and writes

        def handler(kind: str) -> Handler:
            def answer(job: dict[str, Any]) -> dict[str, Any]:
                with one_at_a_time:
                    writes.write(json.dumps([kind, job]) + "\n")
                    reply: dict[str, Any] = json.loads(reads.readline())
                return reply

            return answer

        yield {kind: handler(kind) for kind in KINDS}
        writes.close()


def test_they_answer_a_whole_run(emulate: Any, handlers: dict[str, Handler], sample: Path, tmp_path: Path) -> None:
    service = emulate(**handlers)
    notices: list[str] = []
    options = make_options({"stages": STAGES, "vad": False, "output_dir": tmp_path, "words": "ComfyUI"})
    document = execute(
        prepare(sample, options, service.fleet),
        lambda event: notices.extend([event.text] if isinstance(event, Notice) else []),
    )
    assert notices.count("speech: the worker does not support --words; update its image") == 1
    assert (document.transcription.language, document.transcription.language_probability) == ("en", 1.0)
    assert [segment.language for segment in document.transcription.segments] == [None]
    assert document.failures == []
    assert len(document.detections) == 25
    assert {found.label for frame in document.detections for found in frame.objects} == {"cat"}
    assert "Hello" in document.transcription.text
    assert {event.label for event in document.sounds.events} == {"Cat"}
    assert {span.text for span in document.text.spans} == {"EXIT"}
    assert document.scenes is not None


def test_they_say_what_they_are(handlers: dict[str, Handler]) -> None:
    for kind in KINDS:
        reply = handlers[kind]({"input": {"probe": True}})
        assert reply["schema_versions"] == ["1"]
        assert reply["model"] == "first"
