"""Sound unlike most, each through the real command line: when what is heard is."""

import base64
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

from framefleet.media.types import Clip
from framefleet.schema.document import Document
from framefleet.timebase import Span
from tests.cli.conftest import WORKER, Told
from tests.conftest import full, full_but
from tests.fleet.openai_service import KEY, serving, verbose
from tests.media.odd import Track, add_cover, make_tracks
from tests.media.sound import bursts, heard_at, make_sound, retimed
from tests.media.test_sound_channels import EVER, record, talk

pytestmark = pytest.mark.full

Cli = Callable[..., Told]
Fleet = Callable[..., Any]


# ── when sound is ───────────────────────────────────────────────────────────────────────────────────────────────────


def hears_bursts(job: dict[str, Any]) -> dict[str, Any]:
    """A whisper worker that hears one word where each burst of `bursts` begins."""
    asked = job["input"]
    clip = Clip(0, Span(0, asked["duration_s"]), base64.b64decode(asked["audio"]), asked["format"])
    words = [{"start_s": t, "end_s": t + 0.05, "word": " beep", "probability": 0.9} for t in heard_at([clip])]
    segments = [
        {"start_s": w["start_s"], "end_s": w["end_s"], "text": " beep", "avg_logprob": -0.1, "no_speech_prob": 0.0}
        | {"words": [w]}
        for w in words
        if w["end_s"] <= asked["duration_s"]
    ]
    return WORKER | {"language": "en", "language_probability": 1.0, "segments": segments}


def beeps(document: Document) -> list[float]:
    assert document.transcription is not None
    return [word.start_s for segment in document.transcription.segments for word in segment.words]


CLOCKS: dict[str, tuple[float, float, float, str]] = {
    # the pictures begin (two seconds of them), the sound begins, it ends: in the file's own time; its codec
    "together.mp4": (0, 0, 2, "aac"),
    "longer.mp4": (0, 0, 5.5, "aac"),
    "longer.mkv": (0, 0, 5.5, "flac"),
    "shorter.mp4": (0, 0, 0.5, "aac"),
    "shorter.mkv": (0, 0, 0.5, "flac"),
    "shorter.ts": (0, 0, 0.5, "mp2"),
    "sound_late.mp4": (0, 1.5, 4.5, "aac"),  # an edit list says so
    "sound_late.mkv": (0, 1.5, 4.5, "libopus"),
    "sound_late.ts": (0, 1.5, 4.5, "mp2"),
    "pictures_late.mp4": (2.5, 0, 4.5, "aac"),
    "pictures_late.mkv": (2.5, 0, 4.5, "flac"),
    "both_late.mkv": (2.5, 2.5, 4.5, "flac"),
    "both_late.ts": (3600, 3599.5, 3602.5, "mp2"),
    "sound_after.mkv": (0, 3.5, 5.5, "flac"),
}


@pytest.mark.parametrize("name", full_but([name for name in CLOCKS if name.endswith(".mkv")], CLOCKS))
def test_sound_is_on_the_clock_of_the_pictures(
    analysed: Callable[..., Document], fleet: Fleet, tmp_path: Path, name: str
) -> None:
    fleet(whisper=hears_bursts)
    pictures_s, start_s, end_s, codec = CLOCKS[name]
    path = make_sound(tmp_path / name, [(start_s, bursts(start_s, end_s))], codec=codec, video_from_s=pictures_s)
    document = analysed(path)
    assert document.failures == []
    ends = end_s - pictures_s  # the last picture stands so long, if that is more than a second
    assert document.video.duration_s == pytest.approx(ends if ends > 3 else 2, abs=0.06)
    expected = [second - pictures_s for second in range(int(start_s), int(end_s) + 1) if start_s <= second < end_s]
    assert beeps(document) == pytest.approx(expected, abs=0.06)
    audio = document.video.audio
    assert audio.start_s == pytest.approx(start_s - pictures_s, abs=0.06)
    assert audio.duration_s == pytest.approx(end_s - start_s, abs=0.1)


def test_what_is_said_before_the_pictures_belongs_to_no_scene_and_what_is_said_after_them_to_the_last(
    analysed: Callable[..., Document], fleet: Fleet, tmp_path: Path
) -> None:
    fleet(whisper=hears_bursts)
    path = make_sound(tmp_path / "a.mkv", [(0, bursts(0, 6))], codec="flac", video_from_s=2)
    document = analysed(path, "--stages", "objects,speech,scenes")
    assert beeps(document) == pytest.approx([-2, -1, 0, 1, 2, 3], abs=0.06)
    (scene,) = document.scenes
    assert (scene.start_s, scene.end_s, scene.speech) == (0, 4, "beep beep beep beep")
    assert document.video.duration_s == 4
    assert [found.time_s for found in document.detections] == [0, 1, 2, 3]


@pytest.mark.parametrize(("every", "clock"), [(25, 1.0), *full((10, 1.0), (10**9, 1.03))])
def test_packets_lost_on_the_way_and_a_clock_that_is_off(
    analysed: Callable[..., Document], fleet: Fleet, tmp_path: Path, every: int, clock: float
) -> None:
    """Bursts last longer than the packets that are lost, and each is heard when a player plays it."""
    fleet(whisper=hears_bursts)
    whole = make_sound(tmp_path / "whole.mkv", [(0, bursts(0, 20))], codec="libopus")
    spoilt = tmp_path / "spoilt.mkv"
    retimed(whole, spoilt, lambda number, time: [time * clock] * (number % every != every - 1))
    document = analysed(spoilt, "--stages", "speech")
    assert document.failures == []
    assert beeps(document) == pytest.approx([second * clock for second in range(20)], abs=0.025)


def test_channels_that_are_opposite_are_heard_and_one_can_be_chosen(
    cli: Cli, analysed: Callable[..., Document], fleet: Fleet, tmp_path: Path
) -> None:
    asked: list[Any] = []
    fleet(whisper=lambda job: asked.append(job) or hears_bursts(job))
    opposite = record(tmp_path / "opposite.flac", [talk(*EVER), -talk(*EVER)], "stereo")
    assert beeps(analysed(opposite, "--stages", "speech")) == pytest.approx(EVER, abs=0.06)
    assert "--audio-channel" in cli("run", opposite, "--stages", "speech", "--fresh").err
    sides = record(tmp_path / "sides.flac", [talk(0, 2), talk(1, 3)], "stereo")
    for channel, expected in (("left", [0, 2]), ("right", [1, 3]), ("loudest", [0, 1, 2, 3]), ("mix", [0, 1, 2, 3])):
        before = len(asked)
        document = analysed(sides, "--stages", "speech", "--audio-channel", channel)
        assert beeps(document) == pytest.approx(expected, abs=0.06)
        assert document.config.audio_channel == channel
        assert len(asked) == before + 1
    told = cli("run", sides, "--audio-channel", "both")
    assert told.code == 2 and "--audio-channel both" in told.line


def empty(path: Path) -> Path:
    """Pictures, and an audio stream without a packet in it."""
    whole = make_tracks(path.with_name(f"whole{path.suffix}"), [Track(bursts(0, 2), codec="aac")])
    with av.open(str(whole)) as source, av.open(str(path), "w") as out:
        copies = {stream: out.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = copies[packet.stream]
                out.mux(packet)
    return path


def no_samples(path: Path) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 16_000, 0, "NONE", ""))
    return path


@pytest.mark.parametrize("name", ["empty.mkv", "empty.mp4", "empty.ts", "empty.wav"])
def test_empty_sound_is_no_failure(
    analysed: Callable[..., Document], fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    fleet(whisper=hears_bursts)
    monkeypatch.delenv("FRAMEFLEET_STAGES")
    path = tmp_path / name
    document = analysed(no_samples(path) if path.suffix == ".wav" else empty(path))
    assert document.failures == []
    (skipped,) = document.transcription.skipped
    assert (skipped.start_s, skipped.end_s) == (0, document.video.duration_s)
    assert skipped.reason in {"the audio stream is empty", "no audio stream"}  # FFmpeg writes no empty stream to mp4
    assert (document.detections is None) == (path.suffix == ".wav")


# ── audio only ─────────────────────────────────────────────────────────────────────────────────────────────────────

ALONE = {
    "a.mp3": "libmp3lame",
    "a.wav": "pcm_s16le",
    "a.flac": "flac",
    "a.ogg": "libopus",
    "a.opus": "libopus",
    "a.m4a": "aac",
    "a.aac": "aac",
    "a.aiff": "pcm_s16be",
    "a.mka": "flac",
    "cover.mp3": "libmp3lame",
    "cover.m4a": "aac",
    "cover.flac": "flac",
}


def alone(path: Path, codec: str) -> Path:
    if not path.stem.startswith("cover"):
        return make_tracks(path, [Track(bursts(0, 3.5), codec=codec)], pictures_s=None)
    plain = make_tracks(path.with_name(f"plain{path.suffix}"), [Track(bursts(0, 3.5), codec=codec)], pictures_s=None)
    made = path.with_suffix(".mp4" if path.suffix == ".m4a" else path.suffix)  # it will not write a JPEG to .m4a
    return add_cover(plain, made, np.full((64, 64, 3), 200, np.uint8)).rename(path)


@pytest.mark.parametrize("name", full_but(["a.m4a", "a.wav", "cover.mp3"], ALONE))
def test_sound_alone_is_listened_to(
    cli: Cli, analysed: Callable[..., Document], fleet: Fleet, tmp_path: Path, name: str
) -> None:
    fleet(whisper=hears_bursts)
    path = alone(tmp_path / name, ALONE[name])
    document = analysed(path, "--stages", "objects,speech")
    assert beeps(document) == pytest.approx([0, 1, 2, 3], abs=0.06)
    assert document.detections is document.scenes is document.tracks is document.text is document.sounds is None
    assert (document.video.width, document.video.height, document.video.codec) == (0, 0, "")
    assert document.video.duration_s == pytest.approx(3.5, abs=0.1)
    planned = cli("plan", path, "--stages", "objects,speech")
    assert "audio only" in planned.out
    assert "objects: skipped; no video stream" in planned.out


@pytest.mark.full
def test_sound_alone_leaves_out_by_default_what_looks_and_says_so_once(
    cli: Cli, fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet(whisper=hears_bursts)
    monkeypatch.delenv("FRAMEFLEET_STAGES")
    told = cli("run", alone(tmp_path / "a.mp3", "libmp3lame"))
    assert told.code == 0
    assert told.err.count("no video stream") == 1
    assert "objects, scenes, tracks: skipped; no video stream" in told.err


@pytest.mark.full
def test_sound_alone_here_with_scenes_that_somebody_has(
    analysed: Callable[..., Document], sample: Path, tmp_path: Path
) -> None:
    path = tmp_path / "said.flac"
    with av.open(str(sample)) as source, av.open(str(path), "w") as out:
        stream = out.add_stream("flac", rate=16_000, layout="mono")
        for frame in source.decode(audio=0):
            if frame.time < 9:
                out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    given = tmp_path / "chapters.json"
    given.write_text("[[0, 5], [5, 8]]")
    document = analysed(path, "--stages", "speech,scenes", "--scenes", given)
    assert "space" in document.transcription.text
    assert [(scene.start_s, scene.end_s) for scene in document.scenes] == [(0, 5), (5, 8)]
    assert "space" in " ".join(scene.speech for scene in document.scenes)


def test_sound_alone_goes_to_a_transcription_api(
    analysed: Callable[..., Document], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as service:
        service.answer = lambda _: (200, verbose("Hello there."))
        monkeypatch.setenv("FRAMEFLEET_WHISPER_API", service.url)
        monkeypatch.setenv("FRAMEFLEET_WHISPER_API_KEY", KEY)
        document = analysed(alone(tmp_path / "a.opus", "libopus"), "--stages", "speech")
    assert document.config.backend == {"speech": "api"}
    assert document.transcription.text == "Hello there."


# ── several tracks ──────────────────────────────────────────────────────────────────────────────────────────────────

HALF = bursts(0.5, 4.5)  # the same bursts half a second earlier


@pytest.fixture
def dubbed(tmp_path: Path) -> Path:
    tracks = [
        Track(bursts(0, 4), language="eng", title="Main", disposition=Disposition.default),
        Track(HALF, codec="libopus", language="ger"),
        Track(np.zeros(0, np.int16), language="fra"),
        Track(HALF[24_000:], language="eng", title="\x1b[31mHe talks", disposition=Disposition.comment),
    ]
    return make_tracks(tmp_path / "dubbed.mkv", tracks, pictures_s=(0, 4))


WHOLE, LATER = [0, 1, 2, 3], [0.5, 1.5, 2.5, 3.5]


@pytest.mark.parametrize(
    ("wanted", "track", "language", "codec", "heard"),
    [
        (None, 1, "eng", "flac", WHOLE),
        ("1", 1, "eng", "flac", WHOLE),
        ("2", 2, "ger", "opus", LATER),
        ("de", 2, "ger", "opus", LATER),
        ("DEU", 2, "ger", "opus", LATER),
        ("de-AT", 2, "ger", "opus", LATER),
        ("en", 1, "eng", "flac", WHOLE),
        ("3", 3, "fra", "flac", []),
        ("4", 4, "eng", "flac", [0, 1, 2, 3]),
    ],
)
def test_a_track_is_chosen_by_number_or_language(
    analysed: Callable[..., Document],
    fleet: Fleet,
    dubbed: Path,
    wanted: str | None,
    track: int,
    language: str,
    codec: str,
    heard: list[float],
) -> None:
    fleet(whisper=hears_bursts)
    document = analysed(dubbed, "--stages", "speech", *(["--audio-track", wanted] if wanted else []))
    audio = document.video.audio
    assert (audio.track, audio.tracks, audio.language, audio.codec) == (track, 4, language, codec)
    assert beeps(document) == pytest.approx(heard, abs=0.06)
    asked = None if wanted is None else int(wanted) if wanted.isdecimal() else wanted.lower()
    assert document.config.audio_track == asked
    if track == 3:
        assert [skipped.reason for skipped in document.transcription.skipped] == ["the audio stream is empty"]


def test_what_tracks_there_are_is_told(cli: Cli, fleet: Fleet, dubbed: Path) -> None:
    fleet(whisper=hears_bursts)
    told = cli("run", dubbed, "--audio-track", "spa")
    assert told.code == 2
    assert told.line.startswith(f"error: --audio-track spa: {dubbed} has 4 audio tracks: ")
    assert "1: eng flac 1 ch “Main”; 2: ger opus 1 ch; 3: fra flac 1 ch; 4: eng flac 1 ch “[31mHe talks”" in told.line
    assert "using audio track 1 of 4 (eng); --audio-track chooses another" in cli("run", dubbed).err
    assert "--audio-track" not in cli("run", dubbed, "--audio-track", "en").err


def test_answers_of_one_track_are_not_another_s(
    analysed: Callable[..., Document], fleet: Fleet, dubbed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    fleet(whisper=lambda job: asked.append(job) or hears_bursts(job))
    monkeypatch.setenv("FRAMEFLEET_STAGES", "speech")
    for number, (wanted, requests) in enumerate([("1", 1), ("4", 2), ("en", 2), ("ger", 3), ("4", 3)]):
        document = analysed(dubbed, "--audio-track", wanted)
        assert len(asked) == requests, number
        assert beeps(document) == pytest.approx(LATER if wanted == "ger" else WHOLE, abs=0.06)
