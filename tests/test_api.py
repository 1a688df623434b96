"""`from framefleet import analyze`: the same job from Python."""

from pathlib import Path
from typing import Any

import pytest

from framefleet import analyze
from framefleet.analysis import notices, prepare
from framefleet.config.endpoints import Fleet
from framefleet.config.options import Options
from framefleet.errors import FrameFleetError, InputError, UsageError
from framefleet.progress import (
    Event,
    ItemDone,
    StageDone,
    StageStarted,
)
from framefleet.schema.codec import read_document
from tests.cli.conftest import hears_hello, sees_a_person
from tests.media.make import make_video


@pytest.fixture
def clip(tmp_path: Path, emulate: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    service = emulate(yolo=sees_a_person, whisper=hears_hello)
    for name, value in service.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FRAMEFLEET_STAGES", "objects,speech")
    monkeypatch.setenv("FRAMEFLEET_VAD", "false")  # a tone is no speech
    return make_video(tmp_path / "clip.mp4", frames=15, fps=5, audio="aac")


def test_the_document_is_returned_and_written(clip: Path, tmp_path: Path) -> None:
    document = analyze(str(clip), fps=2, batch_size=4, output_dir=str(tmp_path / "there"))
    assert [d.time_s for d in document.detections] == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    assert document.transcription is not None
    assert document.transcription.text == "Hello"
    assert read_document(tmp_path / "there" / "clip_results.json") == document


def test_a_listener_hears_how_it_goes(clip: Path) -> None:
    heard: list[Event] = []
    analyze(clip, batch_size=2, on_event=heard.append, speech=False)
    started = [event for event in heard if isinstance(event, StageStarted)]
    assert [(e.stage, e.backend, e.total, e.units, e.unit) for e in started] == [("objects", "runpod", 2, 3, "frames")]
    done = [event for event in heard if isinstance(event, ItemDone)]
    assert sorted((e.number, e.units, e.found) for e in done) == [(0, 2, 2), (1, 1, 1)]
    assert isinstance(heard[-1], StageDone)


def test_it_says_nothing_by_itself(clip: Path, capfd: pytest.CaptureFixture[str]) -> None:
    analyze(clip, speech=False)
    assert capfd.readouterr() == ("", "")


def test_what_is_wrong_is_raised(clip: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.mp4: no such file"):
        analyze("nowhere.mp4")
    with pytest.raises(UsageError, match="fps 0"):
        analyze(clip, fps=0)
    with pytest.raises(UsageError, match="batchsize: no such option"):
        analyze(clip, batchsize=3)
    assert issubclass(InputError, FrameFleetError)


def test_scenes_that_are_given_to_a_run_without_scenes_are_refused(tmp_path: Path) -> None:
    video, scenes = make_video(tmp_path / "clip.mp4", frames=5, fps=5), tmp_path / "scenes.json"
    with pytest.raises(UsageError, match=r"--scenes .*scenes\.json: scenes is not among --stages objects"):
        prepare(video, Options(stages=("objects",), scenes=scenes), Fleet())
    with pytest.raises(InputError, match="cannot be read"):
        prepare(video, Options(stages=("scenes",), scenes=scenes), Fleet())


def test_what_scenes_of_keyframes_are_worth_is_told_where_there_are_any(tmp_path: Path) -> None:
    video = make_video(tmp_path / "clip.mp4", frames=5, fps=5)

    def told(**options: Any) -> list[str]:
        return notices(prepare(video, Options(**options), Fleet()))

    assert ["from keyframes only" in notice for notice in told(stages=("scenes",), sampling="keyframes")] == [True]
    assert told(stages=("scenes",)) == told(stages=("objects",), sampling="keyframes") == []


def test_a_keyframe_is_seen_in_its_own_scene_alone(clip: Path, tmp_path: Path) -> None:
    """There is one, at 0, and every sample has it. By exact sampling the person is there in both scenes."""
    scenes = tmp_path / "scenes.json"
    scenes.write_text("[[0, 1.5], [1.5, 3]]")
    for sampling, seen in (("exact", [{"person": 1}, {"person": 1}]), ("keyframes", [{"person": 1}, {}])):
        document = analyze(clip, stages="objects,scenes", scenes=str(scenes), sampling=sampling, fresh=True)
        assert [scene.objects for scene in document.scenes or ()] == seen
