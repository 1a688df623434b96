"""Voices of clips that were answered apart become people, whatever came first."""

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from framefleet.stages.speakers.join import ClipVoice, Person, people

from . import centre, voice


def heard(found: list[Person]) -> list[tuple[int, list[tuple[float, float]]]]:
    """Which number each person's centre stands out by, and the turns."""
    return [(int(np.argmax(person.centre)), person.turns) for person in found]


def test_one_person_of_several_clips_is_one_and_numbers_go_by_first_appearance() -> None:
    found = people(
        [voice(0, 7, (3.0, 10.0)), voice(0, 2, (11.0, 20.0)), voice(1, 2, (300.0, 306.0)), voice(1, 7, (310.0, 320.0))]
    )
    assert heard(found) == [(7, [(3.0, 10.0), (310.0, 320.0)]), (2, [(11.0, 20.0), (300.0, 306.0)])]
    assert [person.certain for person in found] == [True, True]


def test_two_voices_of_one_clip_stay_two_however_alike() -> None:
    alike = [ClipVoice(0, centre(1, 0.1, seed), [(10.0 * seed, 10.0 * seed + 9)]) for seed in range(2)]
    found = people([*alike, voice(1, 3, (50.0, 60.0))])
    assert len(found) == 3
    assert [person.certain for person in found] == [False, False, True]


def test_a_voice_that_its_clip_split_is_one_if_a_part_is_brief() -> None:
    parts = [ClipVoice(0, centre(1, 0.1, 0), [(0.0, 40.0)]), ClipVoice(0, centre(1, 0.1, 1), [(50.0, 56.0)])]
    found = people([*parts, voice(1, 1, (100.0, 160.0)), voice(1, 2, (170.0, 176.0))])
    assert [person.turns for person in found] == [[(0.0, 40.0), (50.0, 56.0), (100.0, 160.0)], [(170.0, 176.0)]]


def test_who_says_little_in_a_clip_is_known_from_others_or_not_told() -> None:
    longer = [voice(0, 1, (0.0, 9.0)), voice(1, 2, (100.0, 109.0))]
    found = people([*longer, voice(1, 1, (120.0, 121.0)), voice(0, 5, (20.0, 22.0))])
    assert heard(found) == [(1, [(0.0, 9.0), (120.0, 121.0)]), (2, [(100.0, 109.0)])]


def test_in_one_clip_each_voice_is_a_person_however_little_is_said() -> None:
    found = people([voice(3, 1, (0.0, 1.0)), voice(3, 2, (1.0, 2.5))])
    assert heard(found) == [(1, [(0.0, 1.0)]), (2, [(1.0, 2.5)])]
    assert not any(person.certain for person in found)


def test_the_number_of_people_that_is_given_is_what_comes_out() -> None:
    voices = [voice(clip, person, (100.0 * clip + 10 * person, 100.0 * clip + 10 * person + 8), scatter=0.3)
              for clip in range(3) for person in range(3)]  # fmt: skip
    assert len(people(voices, 3)) == 3
    assert len(people([*voices, voice(0, 9, (90.0, 92.0))], 4)) == 4
    assert len(people([voice(clip, clip, (10.0 * clip, 10.0 * clip + 9)) for clip in range(4)], 2)) == 2


def test_turns_that_meet_at_the_end_of_a_clip_are_one() -> None:
    found = people([voice(0, 1, (90.0, 100.0)), voice(1, 1, (100.1, 110.0))])
    assert heard(found) == [(1, [(90.0, 110.0)])]


def test_voices_without_length_do_not_join_others() -> None:
    voices = [
        voice(0, 1, (5.0, 5.0)),
        voice(1, 1, (105.0, 105.0)),
        voice(0, 2, (0.0, 2.0)),
        voice(1, 3, (100.0, 102.0)),
    ]
    assert heard(people(voices)) == [(2, [(0.0, 2.0)]), (3, [(100.0, 102.0)])]


def test_nobody() -> None:
    assert people([]) == []
    assert people([ClipVoice(0, centre(1), [])]) == []


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 5), st.floats(0.3, 9.0)),
        min_size=1, max_size=14, unique_by=lambda one: one[:2],
    ),
    st.one_of(st.none(), st.integers(1, 6)),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_the_order_of_arrival_makes_no_difference(
    said: list[tuple[int, int, float]], number: int | None, chance: random.Random
) -> None:
    voices = [voice(clip, who, (100.0 * clip + 10 * who, 100.0 * clip + 10 * who + for_s)) for clip, who, for_s in said]
    found = people(voices, number)
    shuffled = list(voices)
    chance.shuffle(shuffled)
    again = people(shuffled, number)
    assert [(p.turns, p.certain) for p in again] == [(p.turns, p.certain) for p in found]
    assert [p.turns[0] for p in found] == sorted(p.turns[0] for p in found)
