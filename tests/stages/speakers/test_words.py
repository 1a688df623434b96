"""Who says a word, and segments that end where the speaker changes."""

from hypothesis import given
from hypothesis import strategies as st

from framefleet.schema.speakers import Speaker
from framefleet.schema.speech import Segment, Transcription, Word
from framefleet.stages.speakers.words import spoken_by


def speaker(id: str, *turns: tuple[float, float]) -> Speaker:
    return Speaker(id=id, first_s=turns[0][0], talk_s=1.0, certain=True, turns=list(turns))


def segment(text: str, *times: tuple[float, float]) -> Segment:
    words = [Word(*at, f" {word}", 0.9) for at, word in zip(times, text.split(), strict=True)]
    return Segment(times[0][0], times[-1][1], text, -0.1, 0.0, words)


def parts(one: Segment, *speakers: Speaker) -> list[tuple[str | None, float, float, str]]:
    said = spoken_by(Transcription("en", one.text, [one]), speakers)
    assert said.text == one.text
    return [(part.speaker, part.start_s, part.end_s, part.text) for part in said.segments]


ADA, GRACE = speaker("S1", (0.0, 2.0)), speaker("S2", (2.0, 4.0))


def test_a_segment_ends_where_the_speaker_changes() -> None:
    said = segment("Hello there, who is it?", (0.2, 0.6), (0.7, 1.2), (2.1, 2.4), (2.5, 2.6), (2.7, 3.0))
    assert parts(said, ADA, GRACE) == [("S1", 0.2, 1.2, "Hello there,"), ("S2", 2.1, 3.0, "who is it?")]


def test_a_word_belongs_to_who_speaks_most_of_it_and_not_to_who_speaks_in_its_middle() -> None:
    stretched = segment("ladies", (1.0, 3.8))  # its middle is 2.4
    assert parts(stretched, speaker("S1", (0.5, 2.2)), speaker("S2", (2.3, 2.9)))[0][0] == "S1"


def test_a_word_outside_all_turns_is_the_nearest_speakers_within_a_second() -> None:
    assert parts(segment("well", (4.5, 4.8)), ADA, GRACE)[0][0] == "S2"
    assert parts(segment("well", (5.5, 5.8)), ADA, GRACE)[0][0] is None
    assert parts(segment("well", (1.0, 1.0)), ADA, GRACE)[0][0] == "S1"  # without length


def test_a_word_of_nobody_does_not_part_a_segment() -> None:
    said = segment("one two three", (1.0, 1.5), (7.0, 7.2), (9.0, 9.5))
    found = spoken_by(Transcription("en", said.text, [said]), [speaker("S1", (0.0, 2.0), (9.0, 10.0))])
    assert [part.speaker for part in found.segments] == ["S1"]
    assert [word.speaker for word in found.segments[0].words] == ["S1", None, "S1"]


def test_a_lone_word_between_two_of_another_speaker_is_that_speakers_unless_its_own_is_clearly_heard() -> None:
    said = segment("one two three", (0.0, 0.9), (1.0, 1.5), (1.6, 2.0))
    other = speaker("S1", (0.0, 1.15), (1.5, 2.0))
    assert [part[0] for part in parts(said, other, speaker("S2", (1.2, 1.45)))] == ["S1"]
    assert [part[0] for part in parts(said, other, speaker("S2", (1.15, 1.5)))] == ["S1", "S2", "S1"]


def test_a_segment_without_words_is_whose_turns_cover_most_of_it() -> None:
    assert parts(Segment(1.5, 4.0, "All of it.", -0.1, 0.0), ADA, GRACE) == [("S2", 1.5, 4.0, "All of it.")]


def test_without_speakers_nobody_says_it() -> None:
    assert parts(segment("Hello", (0.0, 1.0))) == [(None, 0.0, 1.0, "Hello")]


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.5)), min_size=1, max_size=12),
    st.lists(st.tuples(st.floats(0, 10), st.floats(0.2, 3), st.sampled_from("123")), max_size=6),
)
def test_no_word_is_lost_and_parts_are_in_order(
    gaps: list[tuple[float, float]], spoken: list[tuple[float, float, str]]
) -> None:
    times, at_s = [], 0.0
    for gap_s, long_s in gaps:
        times.append((at_s + gap_s, at_s + gap_s + long_s))
        at_s += gap_s + long_s
    said = segment(" ".join(f"w{number}" for number in range(len(times))), *times)
    by_id: dict[str, list[tuple[float, float]]] = {}
    for start_s, for_s, id in sorted(spoken):
        turns = by_id.setdefault(id, [])
        if not turns or turns[-1][1] < start_s:
            turns.append((start_s, start_s + for_s))
    found = spoken_by(
        Transcription("en", said.text, [said]), [speaker(f"S{id}", *turns) for id, turns in by_id.items()]
    )
    assert [word.word for part in found.segments for word in part.words] == [word.word for word in said.words]
    assert " ".join(part.text for part in found.segments) == said.text
    assert [part.start_s for part in found.segments] == sorted(part.start_s for part in found.segments)
    for one, other in zip(found.segments, found.segments[1:], strict=False):
        assert one.speaker != other.speaker
