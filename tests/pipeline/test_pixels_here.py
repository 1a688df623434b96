"""Here a model gets what was decoded: no picture and no sound is encoded for it, and no sound decoded twice."""

from collections import Counter
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
import simplejpeg

from framefleet.analysis import execute, prepare
from framefleet.config.endpoints import Fleet
from framefleet.config.loading import make_options
from framefleet.fleet.backends.base import IN_PROCESS
from framefleet.media.audio.stream import SoundReading
from framefleet.schema.document import Document
from framefleet.stages.objects.stage import ObjectsStage
from framefleet.stages.objects.worker import handler as objects
from framefleet.stages.sounds.stage import SoundsStage
from framefleet.stages.sounds.worker import handler as sounds
from framefleet.stages.speech import vad
from framefleet.stages.speech.stage import SpeechStage
from framefleet.stages.speech.worker import handler as speech
from framefleet.stages.text.stage import TextStage
from framefleet.stages.text.worker import handler as text
from framefleet.worker import serving
from tests.media.make import make_video

MODEL: dict[str, Any] = {"model": "fake", "model_id": "f00d", "device": "cpu", "gpu": None}


class Looks:
    """A detector, and a reader, that find nothing and keep the sizes of what they see."""

    def __init__(self, sizes: list[tuple[int, ...]]) -> None:
        self.sizes = sizes
        self.labels: dict[int, str] = {}
        self.__dict__ |= MODEL

    def settle(self, asked: Any) -> Any:
        return asked

    def detect(self, pictures: Sequence[Any], settings: Any) -> list[Any]:
        self.sizes += [picture.shape for picture in pictures]
        return [np.zeros((0, 6), np.float32) for _ in pictures]

    def read(self, pictures: Sequence[Any], max_side: int) -> list[list[Any]]:
        self.sizes += [picture.shape for picture in pictures]
        return [[] for _ in pictures]


class Seen:
    """What the models were given in a run, and what was coded meanwhile."""

    def __init__(self) -> None:
        self.coded = Counter[str]()
        self.objects: list[tuple[int, ...]] = []
        self.text: list[tuple[int, ...]] = []
        self.heard: list[int] = []


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """The embedded models' places taken, and everything counted that codes a picture or a sound."""
    seen = Seen()

    def counted(what: str, does: Any) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            seen.coded[what] += 1
            return does(*args, **named)

        return call

    for name in [name for name in dir(simplejpeg) if name.startswith(("encode_", "decode_"))]:
        monkeypatch.setattr(simplejpeg, name, counted("jpeg", getattr(simplejpeg, name)))
    opens = av.open

    def opened(file: Any, *args: Any, **named: Any) -> Any:
        if isinstance(file, BytesIO):  # what FrameFleet encodes to, and a worker decodes from
            seen.coded["clip"] += 1
        return opens(file, *args, **named)

    monkeypatch.setattr(av, "open", opened)
    monkeypatch.setattr(SoundReading, "frames", counted("sound read", SoundReading.frames))
    monkeypatch.setattr(serving, "to_input", counted("job", serving.to_input))

    def transcribe(audio: Any, **_: Any) -> Any:
        seen.heard.append(len(audio))
        return [], SimpleNamespace(language="en", language_probability=1.0)

    class Hears:
        labels = ("Speech",)

        def settle(self, slice_s: Any, hop_s: Any) -> Any:
            return SimpleNamespace(slice_s=1.0, hop_s=1.0)

        def classify(self, slices: Any) -> Any:
            seen.heard.append(slices.size)
            return np.zeros((len(slices), 1), np.float32)

    hears: Any = Hears()
    hears.__dict__ |= MODEL
    whisper = speech.Engine(transcribe, "fake", "f00d", "cpu", None, frozenset({"en"}), translates=False)
    detector: Any = Looks(seen.objects)
    reader: Any = Looks(seen.text)
    made = {
        ObjectsStage: objects.make_handler(detector),
        TextStage: text.make_handler(reader),
        SpeechStage: speech.make_handler(whisper),
        SoundsStage: sounds.make_handler(hears),
    }
    for stage, handler in made.items():
        monkeypatch.setattr(stage, "open_handler", lambda self, options, handler=handler: handler)
        monkeypatch.setattr(stage, "missing", lambda self, options: None)
    monkeypatch.setattr(vad, "silero", lambda: lambda samples: [(0, len(samples))])
    return seen


def run_here(film: Path, tmp_path: Path, **settings: Any) -> Document:
    asked = {"stages": "objects,speech,sounds,text", "backend": "local", "output_dir": str(tmp_path), "fresh": True}
    document = execute(prepare(film, make_options(asked | settings), Fleet()))
    assert document.failures == []
    return document


def test_nothing_is_encoded_and_sound_is_decoded_once(seen: Seen, tmp_path: Path) -> None:
    film = make_video(tmp_path / "film.mp4", frames=75, audio="aac")
    document = run_here(film, tmp_path)
    assert document.video.audio is not None
    assert len(document.detections or ()) == 3
    assert len(seen.objects) == 3
    assert seen.text, "the first picture is read at least"
    assert len(seen.heard) == 2, "by both who listen"
    assert min(seen.heard) == pytest.approx(document.video.audio.duration_s * 16_000, rel=0.01)
    assert seen.coded == {"sound read": 1}


def test_a_model_gets_pictures_as_large_as_they_are_or_as_was_asked(seen: Seen, tmp_path: Path) -> None:
    film = make_video(tmp_path / "film.mp4", size=(1280, 720), frames=2)
    run_here(film, tmp_path, stages="objects,text")
    assert seen.objects == seen.text == [(720, 1280, 3)]
    run_here(film, tmp_path, stages="objects", crop="100,100,320,200", max_side=160)
    assert seen.objects[1:] == [(100, 160, 3)]


@pytest.mark.parametrize(("held", "most"), [(3 * 160 * 120 * 2, 3), (10**9, 8)])
def test_large_pictures_are_handed_on_before_a_batch_is_full(
    seen: Seen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int, most: int
) -> None:
    from framefleet.pipeline import consumers

    batches: list[int] = []
    detect = Looks.detect

    def looked(self: Looks, pictures: Sequence[Any], settings: Any) -> list[Any]:
        batches.append(len(pictures))
        return detect(self, pictures, settings)

    monkeypatch.setattr(Looks, "detect", looked)
    monkeypatch.setattr(consumers, "HELD_BYTES", held)
    film = make_video(tmp_path / "film.mp4", frames=50)
    document = run_here(film, tmp_path, stages="objects", fps=10, batch_size=8)
    assert len(document.detections or ()) == sum(batches) == 20
    assert max(batches) == most


def test_what_is_kept_from_jpegs_is_an_answer_about_pixels(
    seen: Seen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys know nothing of how a picture travels: a journal of older local runs answers newer ones."""
    from dataclasses import replace

    from framefleet.fleet.backends.registry import LocalKind

    film = make_video(tmp_path / "film.mp4", frames=50)
    with monkeypatch.context() as older:
        encoded = replace(IN_PROCESS, transports=("jpeg_frames", "flac"))
        older.setattr(LocalKind, "capabilities", encoded)
        run_here(film, tmp_path, stages="objects,text")
        assert seen.coded["jpeg"] > 0
    looked = len(seen.objects), len(seen.text)
    run_here(film, tmp_path, stages="objects,text", fresh=False)
    assert (len(seen.objects), len(seen.text)) == looked
