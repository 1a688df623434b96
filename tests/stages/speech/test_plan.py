"""The speech plan covers the sound, in the sizes of its backend, and refuses early what the model cannot do."""

from fractions import Fraction
from pathlib import Path

import pytest

from framefleet.config.options import Options
from framefleet.errors import UsageError
from framefleet.fleet.backends.base import IN_PROCESS, JOB_QUEUE
from framefleet.media.types import MediaInfo
from framefleet.protocol.whisper import LANGUAGES
from framefleet.schema.document import AudioInfo
from framefleet.stages.speech.stage import SpeechStage, plan_speech


def media(audio: AudioInfo | None) -> MediaInfo:
    return MediaInfo(
        path=Path("a.mp4"), size_bytes=1, start=Fraction(0), duration_s=3600, width=1, height=1, rotation=0,
        fps=25, codec="h264", frame_count=1, audio=audio,
    )  # fmt: skip


HOUR = media(AudioInfo(codec="aac", sample_rate=48_000, channels=2, start_s=-0.5, duration_s=3600))


@pytest.mark.parametrize(("backend", "count"), [(JOB_QUEUE, 4), (IN_PROCESS, 12)])
def test_the_whole_sound_in_the_backends_sizes(backend, count):
    chunks = plan_speech(HOUR, Options(), backend)
    assert len(chunks) == count
    assert (chunks[0].span.start_s, chunks[-1].span.end_s) == (-0.5, 3599.5)
    assert sum(chunk.units for chunk in chunks) == pytest.approx(3600)


def test_no_sound_no_work():
    assert plan_speech(media(None), Options(), JOB_QUEUE) == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (Options(language="de"), "--language de.*English-only; fetch Whisper base"),
        (Options(task="translate"), "translate"),
    ],
)
def test_the_embedded_model_knows_english_only(options, says):
    with pytest.raises(UsageError, match=says):
        plan_speech(HOUR, options, IN_PROCESS)
    assert plan_speech(HOUR, options, JOB_QUEUE)


def test_a_model_of_ones_own_may_know_more():
    assert plan_speech(HOUR, Options(language="de", whisper_model="/models/small"), IN_PROCESS)


@pytest.mark.parametrize("language", ["xx", "english", "EN", ""])
@pytest.mark.parametrize("backend", [IN_PROCESS, JOB_QUEUE])
def test_a_language_nobody_knows(language, backend):
    with pytest.raises(UsageError, match=f"--language {language}: not a language"):
        plan_speech(HOUR, Options(language=language), backend)


def test_languages_are_those_of_faster_whisper():
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    assert frozenset(_LANGUAGE_CODES) == LANGUAGES


def test_a_piece_is_named_by_its_track_where_there_are_several():
    """So that answers about one track are never taken for another's, and those about an only track are still found."""
    audio = {"codec": "aac", "sample_rate": 48_000, "channels": 2, "start_s": 0.0, "duration_s": 60}
    tracks = {"only": (1, 1), "first": (1, 2), "second": (2, 2), "unknown": (None, None)}
    names = {}
    for kind, (track, of) in tracks.items():
        (chunk,) = plan_speech(media(AudioInfo(**audio, track=track, tracks=of)), Options(), JOB_QUEUE)
        names[kind] = SpeechStage().names(chunk)[0]
    assert names["only"] == names["unknown"] == "sound 0.0 to 60.0"
    assert names["first"] == "sound 0.0 to 60.0 of track 1"
    assert names["second"] == "sound 0.0 to 60.0 of track 2"
