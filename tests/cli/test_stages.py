"""Every analysis in one run, on the sample, through the real command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from framefleet.models.store import has_model
from framefleet.schema.codec import json_schema, read_document
from tests.cli.conftest import Told
from tests.fleet.openai_service import KEY, serving, verbose
from tests.media.make import make_video

Cli = Callable[..., Told]


@pytest.fixture(autouse=True)
def default_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FRAMEFLEET_STAGES")
    monkeypatch.delenv("FRAMEFLEET_VAD")


def analysed(cli: Cli, video: Path, tmp_path: Path, *flags: object) -> Any:
    told = cli("run", video, "--output-dir", tmp_path / "out", *flags)
    assert told.code == 0, told.err
    path = tmp_path / "out" / f"{video.stem}_results.json"
    Draft202012Validator(json_schema()).validate(json.loads(path.read_bytes()))
    return read_document(path)


@pytest.mark.full
def test_a_run_that_names_no_stages_has_all_that_a_cpu_does_quickly(cli: Cli, sample: Path, tmp_path: Path) -> None:
    document = analysed(cli, sample, tmp_path)
    assert document.text is None
    cuts = [scene.start_s for scene in document.scenes]
    assert len(cuts) == 5
    labels = [set(scene.objects) for scene in document.scenes]
    assert labels[0] == labels[1] == {"person"}
    assert "cat" in labels[2]
    assert "cup" in labels[3]
    assert "space" in document.scenes[0].speech
    assert "dinner" in document.scenes[2].speech
    assert {track.label for track in document.tracks.tracks} >= {"person", "cat", "cup"}
    boxes = [box for track in document.tracks.tracks for box in track.boxes]
    assert all(document.detections[box.index].objects[box.object].box == box.box for box in boxes)


@pytest.mark.full
@pytest.mark.skipif(not has_model("yamnet"), reason="YAMNet was not fetched")
def test_sounds_are_heard(cli: Cli, sample: Path, tmp_path: Path) -> None:
    document = analysed(cli, sample, tmp_path, "--stages", "sounds")
    assert "Speech" in {event.label for event in document.sounds.events}
    assert document.detections is None
    assert document.transcription is None


@pytest.mark.full
def test_a_default_stage_whose_model_is_missing_is_left_out_and_said(
    cli: Cli, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(tmp_path / "nowhere"))
    told = cli("run", video)
    assert told.code == 0
    assert "sounds: skipped" in told.err
    asked = cli("run", video, "--stages", "sounds")
    assert asked.code == 2
    assert "framefleet.models.fetch" in asked.line
    everything = cli("run", video, "--stages", "all")
    assert everything.code == 0
    assert "sounds: skipped" in everything.err


@pytest.mark.full
def test_stages_are_chosen_and_what_they_need_comes_with_them(cli: Cli, video: Path, tmp_path: Path) -> None:
    document = analysed(cli, video, tmp_path, "--stages", "tracks")
    assert document.tracks is not None
    assert document.detections is not None
    assert document.scenes is None
    assert "no such stage" in cli("run", video, "--stages", "hands").line


@pytest.mark.full
def test_scenes_that_somebody_has_are_taken(cli: Cli, video: Path, tmp_path: Path) -> None:
    given = tmp_path / "scenes.json"
    given.write_text("[[0, 2], [2, 5.5]]")
    document = analysed(cli, video, tmp_path, "--stages", "scenes,objects", "--scenes", given)
    assert [(scene.start_s, scene.end_s) for scene in document.scenes] == [(0, 2), (2, 5.5)]
    given.write_text("[[3, 2]]")
    told = cli("run", video, "--scenes", given)
    assert told.code == 2
    assert str(given) in told.line


def test_a_cut_that_the_encoder_saw_is_right_to_the_frame(cli: Cli, tmp_path: Path) -> None:
    shots = np.random.default_rng(7).integers(0, 255, (3, 12, 16, 3), dtype=np.uint8).repeat(10, 1).repeat(10, 2)
    frames = [shots[(number >= 53) + (number >= 91)] for number in range(125)]
    encoder = {"x264-params": "scenecut=40", "g": "250", "keyint_min": "5"}
    video = make_video(tmp_path / "cuts.mp4", frames=125, pictures=frames, options=encoder)
    document = analysed(cli, video, tmp_path, "--stages", "scenes")
    assert [scene.start_s for scene in document.scenes] == [0.0, 53 / 25, 91 / 25]


@pytest.mark.full
def test_where_the_time_went_is_told_for_every_stage(cli: Cli, sample: Path, tmp_path: Path) -> None:
    document = analysed(cli, sample, tmp_path, "--stages", "objects,speech,scenes")
    timing = document.timing
    objects, speech, scenes = (timing.stages[name] for name in ("objects", "speech", "scenes"))
    assert objects.done == 25
    assert scenes.done == timing.decode["pictures"].done - 25 == 122
    assert speech.done == pytest.approx(document.video.audio.duration_s, abs=0.1)
    assert objects.busy_s + speech.busy_s <= timing.wall_s, "models take turns on this machine"
    assert objects.per_s == pytest.approx(objects.done / objects.busy_s, rel=0.01)
    assert objects.queue_mean is not None
    assert scenes.queue_mean is None


@pytest.mark.full
def test_keyframes_are_taken_where_speed_matters_more(cli: Cli, video: Path, tmp_path: Path) -> None:
    document = analysed(cli, video, tmp_path, "--sampling", "keyframes", "--stages", "objects")
    assert document.config.sampling == "keyframes"
    assert all(abs(d.pts_s - d.time_s) <= 6 for d in document.detections)
    assert len({d.pts_s for d in document.detections}) < len(document.detections)


def test_sound_without_speech_is_not_sent_and_said_to_be_skipped(
    cli: Cli, fleet: Callable[..., Any], video: Path, tmp_path: Path
) -> None:
    service = fleet()
    document = analysed(cli, video, tmp_path, "--stages", "objects,speech")
    assert document.transcription.text == ""
    (skipped,) = document.transcription.skipped
    assert skipped.reason == "no speech"
    assert skipped.end_s - skipped.start_s > 5
    assert service is not None
    assert document.cost.stages["speech"].requests == 0
    heard = analysed(cli, video, tmp_path, "--stages", "objects,speech", "--no-vad")
    assert heard.transcription.text == "Hello"


@pytest.mark.full
def test_speech_goes_to_a_transcription_api_where_one_is_set(
    cli: Cli, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as service:
        service.answer = lambda _: (200, verbose("Hello there."))
        monkeypatch.setenv("FRAMEFLEET_WHISPER_API", service.url)
        monkeypatch.setenv("FRAMEFLEET_WHISPER_API_KEY", KEY)
        document = analysed(cli, video, tmp_path, "--stages", "objects,speech", "--no-vad", "--whisper-rpm", 6000)
    assert document.config.backend == {"objects": "local", "speech": "api"}
    assert document.transcription.segments
    assert document.cost.stages["speech"].usd == 0
    assert "provider" in document.cost.stages["speech"].rate_source


def test_on_endpoints_alone_what_has_none_is_left_out_unless_asked_for(cli: Cli, fleet: Any, video: Path) -> None:
    fleet()
    told = cli("run", video, "--backend", "runpod")
    assert told.code == 0
    assert "sounds: skipped; --backend runpod: no endpoint for sounds" in told.err
    assert cli("run", video, "--backend", "runpod", "--stages", "sounds").code == 2
