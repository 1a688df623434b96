"""Answers to a wrong reading of a file are not taken for answers to the right one; all others stay good."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as replace_options

from framefleet.config.endpoints import Fleet
from framefleet.config.options import Options
from framefleet.journal.store import Journal
from framefleet.media.audio.reading import is_heard_as_ever, may_be_heard_anew
from framefleet.media.files.probe import probe
from framefleet.media.types import MediaInfo
from framefleet.pipeline.plan import plan_run
from framefleet.pipeline.resume import piece_keys, with_reading
from tests.media.sound import bursts, make_sound, retimed
from tests.media.test_sound_channels import EVER, record, talk

SHA256 = "ab" * 32


BOTH, SPEECH = Options(stages=("objects", "speech")), Options(stages=("speech",))


def keys_of(media: MediaInfo, options: Options = BOTH) -> dict[str, set[str]]:
    plans = plan_run(media, options, Fleet()).fleet
    return {plan.stage.name: set(piece_keys(plan, SHA256, media).values()) for plan in plans}


@pytest.fixture
def ordinary(sample: Path) -> MediaInfo:
    return probe(sample)


def test_an_ordinary_video_is_read_as_ever(ordinary: MediaInfo) -> None:
    assert ordinary.pictures_read_anew == ordinary.sound_read_anew == ()


def test_pictures_that_are_read_anew_are_asked_anew_and_the_sound_is_not(ordinary: MediaInfo) -> None:
    before, now = keys_of(ordinary), keys_of(replace(ordinary, pictures_read_anew=("mirrored",)))
    assert not before["objects"] & now["objects"]
    assert before["speech"] == now["speech"]


def test_another_track_of_pictures_has_keys_of_its_own_and_the_usual_one_has_not(ordinary: MediaInfo) -> None:
    before = keys_of(ordinary)
    assert keys_of(replace(ordinary, track=1, tracks=2)) == before
    now = keys_of(replace(ordinary, track=2, tracks=2, usual_track=False))
    assert not before["objects"] & now["objects"]
    assert before["speech"] == now["speech"]


def test_sound_that_is_read_anew_is_asked_anew_and_the_pictures_are_not(ordinary: MediaInfo) -> None:
    before, now = keys_of(ordinary), keys_of(replace(ordinary, sound_read_anew=("lossy clock",)))
    assert not before["speech"] & now["speech"]
    assert before["objects"] == now["objects"]


def test_each_kind_of_reading_has_keys_of_its_own(ordinary: MediaInfo) -> None:
    kinds = [("mirrored",), ("old x264",), ("mirrored", "old x264")]
    keys = [keys_of(replace(ordinary, pictures_read_anew=kind))["objects"] for kind in kinds]
    assert not keys[0] & keys[1] and not keys[0] & keys[2] and not keys[1] & keys[2]
    assert keys_of(replace(ordinary, pictures_read_anew=("old x264", "mirrored")))["objects"] == keys[2]


# ── sound that is heard otherwise than it was ───────────────────────────────────────────────────────────────────────


def read_by(media: MediaInfo, journal: Path) -> MediaInfo:
    return with_reading(media, plan_run(media, SPEECH, Fleet()).fleet, SHA256, journal)


@pytest.fixture
def answered_before(tmp_path: Path) -> Callable[[MediaInfo], Path]:
    """A journal of a version that read the sound by the count of its samples, with all answers about a file."""

    def make(media: MediaInfo) -> Path:
        path = tmp_path / "journal.sqlite3"
        with closing(Journal(path)) as journal:
            journal.keep(dict.fromkeys(keys_of(media, SPEECH)["speech"], b"[]"))
        return path

    return make


def whole(path: Path) -> Path:
    return make_sound(path, [(0, bursts(0, 4))], codec="libopus")


def lossy(path: Path) -> Path:
    return retimed(whole(path.with_stem("whole")), path, lambda number, time: [time] * (number % 10 != 9))


def off_clock(path: Path) -> Path:
    return retimed(whole(path.with_stem("whole")), path, lambda number, time: [time * 1.03])


def stereo(path: Path) -> Path:
    return record(path.with_suffix(".flac"), [talk(0, 2), talk(*EVER)], "stereo")


def opposite(path: Path) -> Path:
    return record(path.with_suffix(".flac"), [talk(*EVER), -talk(*EVER)], "stereo")


@pytest.mark.parametrize("make", [whole, stereo])
def test_answers_about_sound_that_is_heard_as_ever_stay_good(
    tmp_path: Path, answered_before: Callable[[MediaInfo], Path], make: Callable[[Path], Path]
) -> None:
    media = probe(make(tmp_path / "a.mkv"))
    assert is_heard_as_ever(media)
    assert read_by(media, answered_before(media)) == media


@pytest.mark.parametrize("make", [lossy, off_clock, opposite])
def test_answers_about_sound_that_was_heard_wrongly_are_asked_for_anew(
    tmp_path: Path, answered_before: Callable[[MediaInfo], Path], make: Callable[[Path], Path]
) -> None:
    media = probe(make(tmp_path / "a.mkv"))
    assert not is_heard_as_ever(media)
    journal = answered_before(media)
    anew = read_by(media, journal)
    assert not keys_of(anew, SPEECH)["speech"] & keys_of(media, SPEECH)["speech"]
    assert read_by(media, tmp_path / "none.sqlite3") == anew  # and so without such answers: their keys are found again


def test_what_was_asked_and_is_yet_to_be_answered_counts(tmp_path: Path) -> None:
    media = probe(whole(tmp_path / "a.mkv"))
    path = tmp_path / "journal.sqlite3"
    with closing(Journal(path)) as journal:
        journal.claim("whisper", dict.fromkeys(keys_of(media, SPEECH)["speech"], b"{}"))
        assert read_by(media, path) == media


def test_a_table_of_equal_steps_or_counted_samples_need_no_reading(tmp_path: Path, sample: Path) -> None:
    counted = make_sound(tmp_path / "a.flac", [(0, bursts(0, 2))], codec="flac")
    table = make_sound(tmp_path / "a.mp4", [(0, bursts(0, 2))], codec="aac")
    for path in (sample, counted, table):
        assert not may_be_heard_anew(probe(path))
    uneven = retimed(table, tmp_path / "b.mp4", lambda number, time: [time] * (number % 10 != 9))
    assert may_be_heard_anew(probe(uneven)) and not is_heard_as_ever(probe(uneven))


def test_a_channel_that_was_asked_for_has_keys_of_its_own(ordinary: MediaInfo) -> None:
    keys = [keys_of(ordinary, replace_options(BOTH, audio_channel=channel)) for channel in (None, "left", "mix")]
    assert not keys[0]["speech"] & keys[1]["speech"] and not keys[1]["speech"] & keys[2]["speech"]
    assert keys[0]["objects"] == keys[1]["objects"]
