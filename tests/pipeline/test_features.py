"""What a worker does not support is left out, and said once; it is asked only if that is needed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framefleet.config.loading import make_options
from framefleet.progress import Notice
from framefleet.protocol.envelope import ProbeReply, to_output
from framefleet.protocol.whisper import WhisperReply, WhisperSegment
from framefleet.session import Session

UNSUPPORTED = "speech: the worker does not support --words; update its image"


class Worker:
    """A whisper worker with these features, that keeps what it is asked."""

    def __init__(self, *features: str) -> None:
        self._features = list(features)
        self.probes = 0
        self.words: list[list[str] | None] = []

    def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        if job["input"].get("probe"):
            self.probes += 1
            reply = to_output(ProbeReply(model="m", model_id="id", features=self._features))
            return reply if self._features else {name: part for name, part in reply.items() if name != "features"}
        self.words.append(job["input"].get("words"))
        said = WhisperSegment(0.0, 1.0, " Hello", -0.1, 0.0)
        return to_output(
            WhisperReply(
                model="m", model_id="id", device="cpu", language="en", language_probability=1.0, segments=[said]
            )
        )


@pytest.fixture
def runs(emulate: Callable[..., Any], sample: Path, tmp_path: Path) -> Callable[..., list[Any]]:
    """`runs(worker, {"words": …}, …)` makes these runs in one session, and returns each one's document and notices."""

    def runs(worker: Worker, *options: dict[str, Any]) -> list[Any]:
        done = []
        with Session(fleet=emulate(whisper=worker).fleet) as session:
            for number, own in enumerate(options):
                notices: list[str] = []

                def told(event: Any, notices: list[str] = notices) -> None:
                    notices.extend([event.text] if isinstance(event, Notice) else [])

                asked = make_options({"stages": ("speech",), "vad": False, "output_dir": tmp_path} | own)
                prepared = session.prepare(sample, asked, name=f"run{number}")
                done.append((session.execute(prepared, told), notices))
        return done

    return runs


def test_a_worker_that_supports_them_gets_the_words(runs: Callable[..., list[Any]]) -> None:
    worker = Worker("words")
    ((document, notices),) = runs(worker, {"words": "ComfyUI, FrameFleet"})
    assert worker.words == [["ComfyUI", "FrameFleet"]]
    assert worker.probes == 1
    assert UNSUPPORTED not in notices
    assert document.cost.stages["speech"].requests == 2  # a probe is a job that costs


def test_a_worker_of_before_is_asked_once_and_gets_none(runs: Callable[..., list[Any]]) -> None:
    worker = Worker()
    (_, first), (_, second) = runs(worker, {"words": "ComfyUI"}, {"words": "FrameFleet", "fresh": True})
    assert worker.words == [None, None]
    assert worker.probes == 1
    assert first.count(UNSUPPORTED) == second.count(UNSUPPORTED) == 1


@pytest.mark.full
def test_what_it_did_not_heed_is_not_in_the_journals_key(runs: Callable[..., list[Any]]) -> None:
    worker = Worker()
    runs(worker, {"words": "ComfyUI"}, {})
    assert worker.words == [None]  # the run without words has the same answer


@pytest.mark.full
def test_without_words_nobody_is_asked(runs: Callable[..., list[Any]]) -> None:
    worker = Worker()
    runs(worker, {})
    assert worker.probes == 0


@pytest.mark.full
def test_where_all_is_answered_nobody_is_asked(runs: Callable[..., list[Any]], emulate: Callable[..., Any]) -> None:
    worker, again = Worker("words"), Worker("words")
    runs(worker, {"words": "ComfyUI"})
    runs(again, {"words": "ComfyUI"})
    assert (again.probes, again.words) == (0, [])
