"""A fault in one analysis ends that one: the others come to what they would without it, and the document says so."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framefleet.analysis import execute, prepare
from framefleet.config.loading import make_options
from framefleet.emulator.timed import TimedHandler
from framefleet.errors import FrameFleetError
from framefleet.fleet.execution.dispatcher import Dispatcher
from framefleet.pipeline import readers
from framefleet.progress import Notice
from framefleet.schema.document import Document
from framefleet.stages.objects.stage import ObjectsStage
from framefleet.stages.scenes.watcher import SceneWatcher
from framefleet.stages.sounds.stage import SoundsStage
from framefleet.stages.speech import vad
from framefleet.stages.speech.stage import SpeechStage
from framefleet.stages.text import changed
from framefleet.stages.tracks.spec import TracksStage
from tests.conftest import Service, full_but
from tests.media.make import make_video

STAGES = ("objects", "speech", "scenes", "tracks", "sounds", "text")
FIELDS = ("detections", "transcription", "scenes", "tracks", "sounds", "text")

Analysed = Callable[[list[Any]], Document]


def boom(*_: Any, **__: Any) -> Any:
    raise ValueError("injected")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("film") / "film.mp4", frames=75, audio="aac")


@pytest.fixture
def analysed(film: Path, tmp_path: Path, emulate: Callable[..., Service], monkeypatch: pytest.MonkeyPatch) -> Analysed:
    """Runs all stages on workers that find nothing, and takes what is told meanwhile."""
    monkeypatch.setattr(vad, "silero", lambda: lambda samples: [])  # as the model finds in a tone
    idle = TimedHandler(0, 0)
    service = emulate(yolo=idle, whisper=idle, ast=idle, ocr=idle)
    options = make_options({"stages": ",".join(STAGES), "output_dir": str(tmp_path / "out"), "fresh": True})
    return lambda told: execute(prepare(film, options, service.fleet), told.append)


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    """What a run without a fault found, once there was one."""
    return {}


def found(document: Document) -> dict[str, Any]:
    return {name: getattr(document, name) for name in FIELDS}


# What breaks, how, and the stage that fails by it; None: none has to, and a person is told.
FAULTS: dict[str, tuple[Any, str, str | None, set[str]]] = {
    "an answer of objects cannot be merged": (ObjectsStage, "merge", "objects", {"detections", "tracks"}),
    "sounds cannot be merged": (SoundsStage, "merge", "sounds", {"sounds"}),
    "requests cannot be packed": (ObjectsStage, "pack", "objects", {"detections", "tracks"}),
    "scenes cannot be looked for": (SceneWatcher, "see", "scenes", {"scenes"}),
    "scenes cannot be told": (SceneWatcher, "finish", "scenes", {"scenes"}),
    "tracks cannot be joined": (TracksStage, "derive", "tracks", {"tracks"}),
    "sound cannot be read": (readers, "decode_clips", "speech", {"transcription", "sounds"}),
    "pictures cannot be compared for text": (changed, "luma_of", None, {"text"}),
    "speech cannot be looked for": (SpeechStage, "filter", None, {"transcription"}),
}

NOTICES = {
    "pictures cannot be compared for text": (
        r"text: change detection failed \(.*injected.*\); sending every frame from now on"
    ),
    "speech cannot be looked for": (
        r"speech: voice activity detection failed \(.*injected.*\); sending all audio from now on"
    ),
}


@pytest.mark.parametrize("fault", full_but(("an answer of objects cannot be merged", *NOTICES), FAULTS))
def test_the_other_stages_go_on(
    fault: str, analysed: Analysed, kept: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, name, stage, touched = FAULTS[fault]
    whole = kept or found(analysed([]))
    kept.update(whole)
    monkeypatch.setattr(owner, name, boom)
    told: list[Any] = []
    document = analysed(told)
    apart = {key: value for key, value in found(document).items() if key not in touched}
    assert apart == {key: value for key, value in whole.items() if key not in touched}
    failed = {failure.stage: failure.error for failure in document.failures}
    if stage is None:
        assert failed == {}
        assert document.transcription is not None
        assert document.text is not None
        assert document.text.read + document.text.unchanged == 3
        assert any(re.fullmatch(NOTICES[fault], notice.text) for notice in told if isinstance(notice, Notice))
    else:
        assert "injected" in failed[stage]


def test_an_error_on_the_way_to_one_stage_s_workers_is_that_stage_s(
    analysed: Analysed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here of answers that nobody has to be asked for: those of text that has not changed."""
    whole, settle = found(analysed([])), Dispatcher.settle

    def full(self: Any, *settled: Any) -> None:
        if self._stage.name == "text":
            raise FrameFleetError("the journal has no room")
        settle(self, *settled)

    monkeypatch.setattr(Dispatcher, "settle", full)
    document = analysed([])
    assert {failure.stage for failure in document.failures} == {"text"}
    assert "no room" in document.failures[0].error
    assert document.failures[0].items == [1, 2]
    assert found(document) | {"text": None} == whole | {"text": None}
