"""Names stay with the voices that they were given to, and go to no other."""

from collections.abc import Sequence

import pytest

from framefleet.config.loading import load_options, parse_speaker_names
from framefleet.errors import UsageError
from framefleet.stages.speakers.join import Person
from framefleet.stages.speakers.names import KeptVoice, as_kept, kept_voices, named, recognized

from . import centre


def persons(*who: int, seed: int = 0) -> list[Person]:
    return [
        Person(centre(one, 0.1, seed + place), [(9.0 * place, 9.0 * place + 5)], True) for place, one in enumerate(who)
    ]


def after(people: Sequence[Person], names: dict[str, str]) -> list[KeptVoice]:
    """What the journal has after a run and `framefleet name`."""
    _, kept, _ = recognized(people, [], {}, whole=True)
    return kept_voices(as_kept(named(kept, names)))


def test_a_name_is_found_again_by_the_voice_wherever_it_now_stands() -> None:
    kept = after(persons(1, 2, 3), {"S1": "Ada", "S3": "Grace"})
    speakers, keep, notes = recognized(persons(3, 4, 1, seed=50), kept, {}, whole=True)
    assert [(one.id, one.name, one.called) for one in speakers] == [
        ("S1", "Grace", "Grace"), ("S2", None, "S2"), ("S3", "Ada", "Ada"),
    ]  # fmt: skip
    assert [(one.id, one.name) for one in keep] == [("S1", "Grace"), ("S2", None), ("S3", "Ada")]
    assert notes == []


def test_a_name_whose_voice_is_not_heard_any_more_is_dropped_with_a_note() -> None:
    kept = after(persons(1, 2), {"S1": "Ada", "S2": "Grace"})
    speakers, keep, notes = recognized(persons(2, 5), kept, {}, whole=True)
    assert [one.name for one in speakers] == ["Grace", None]
    assert [one.name for one in keep] == ["Grace", None]
    assert notes == ["the name Ada is dropped: no voice is like the one it was given to"]


def test_a_name_without_a_voice_waits_where_not_all_was_heard() -> None:
    kept = after(persons(1, 2), {"S1": "Ada"})
    speakers, keep, notes = recognized(persons(2), kept, {}, whole=False)
    assert ([one.name for one in speakers], notes) == ([None], [])
    speakers, _, notes = recognized(persons(2, 1), keep, {}, whole=True)
    assert ([one.name for one in speakers], notes) == ([None, "Ada"], [])


def test_what_a_run_is_given_counts_for_more() -> None:
    kept = after(persons(1, 2), {"S1": "Ada", "S2": "Grace"})
    speakers, _, notes = recognized(persons(1, 2), kept, {"S1": "Alan", "S2": "", "S5": "Edsger"}, whole=True)
    assert [one.name for one in speakers] == ["Alan", None]
    assert notes == ["no speaker S5 to be called Edsger: the last one is S2"]


def test_two_people_who_sound_alike_share_no_name() -> None:
    kept = after(persons(1), {"S1": "Ada"})
    speakers, _, _ = recognized(persons(1, 1, seed=9), kept, {}, whole=True)
    assert sorted(one.name or "" for one in speakers) == ["", "Ada"]


def test_what_cannot_be_read_is_no_voice() -> None:
    assert kept_voices(None) == kept_voices(b"no JSON") == kept_voices(b'[{"id":1}]') == []


def test_names_as_they_are_typed() -> None:
    assert parse_speaker_names("s1= Ada  Lovelace ,S2=") == (("S1", "Ada Lovelace"), ("S2", ""))
    for wrong in ("Ada", "S0=Ada", "X1=Ada", "S1", "", "S1=" + "a" * 61, "S1=a\x1bb"):
        with pytest.raises(UsageError, match=r"^--speaker-names"):
            parse_speaker_names(wrong)


def test_the_option_takes_a_number_auto_or_no() -> None:
    said = [load_options({"speakers": value}, environ={}).speakers for value in ("3", "auto", None)]
    assert said == [3, "auto", "auto"]
    assert load_options({}, environ={"FRAMEFLEET_NO_SPEAKERS": "true"}).speakers is False
    for wrong in ("0", "many"):
        with pytest.raises(UsageError, match=r"^--speakers"):
            load_options({"speakers": wrong}, environ={})
