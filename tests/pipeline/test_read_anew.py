"""Answers to a wrong reading of a file are not taken for answers to the right one; all others stay good."""

from dataclasses import replace
from pathlib import Path

import pytest

from framefleet.config import Fleet, Options
from framefleet.media.info import MediaInfo
from framefleet.media.probe import probe
from framefleet.pipeline.known import piece_keys
from framefleet.pipeline.plan import plan_run

SHA256 = "ab" * 32


def keys_of(media: MediaInfo) -> dict[str, set[str]]:
    options = Options(stages=("objects", "speech"))
    plans = plan_run(media, options, Fleet()).fleet
    return {plan.stage.name: set(piece_keys(plan, SHA256, media, options).values()) for plan in plans}


@pytest.fixture
def ordinary(sample: Path) -> MediaInfo:
    return probe(sample)


def test_an_ordinary_video_is_read_as_ever(ordinary: MediaInfo) -> None:
    assert ordinary.pictures_read_anew == ordinary.sound_read_anew == ()


def test_pictures_that_are_read_anew_are_asked_anew_and_the_sound_is_not(ordinary: MediaInfo) -> None:
    before, now = keys_of(ordinary), keys_of(replace(ordinary, pictures_read_anew=("mirrored",)))
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
