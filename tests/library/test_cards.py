"""A card is what is said, written and seen in one stretch of a video that looks the same."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from framefleet.library.cards import MOST_S, Card, cards_of, silences
from framefleet.schema.document import Document
from framefleet.schema.objects import DetectedObject, Detection
from framefleet.schema.results import FoundSpan, StageResult
from framefleet.schema.sounds import SoundEvent, Sounds
from framefleet.schema.speech import Segment, Transcription, Word
from tests.library.make import BOX, document
from tests.results.wild import wild_documents


def spoken(*arguments: tuple[float, float, str], **more: object) -> list[tuple[float, float, str]]:
    made = document(*arguments, **more)  # type: ignore[arg-type]
    return [(card.start_s, card.end_s, card.said) for card in cards_of(made) if card.said]


def test_sentences_are_together_as_long_as_they_are_short() -> None:
    assert spoken((0, 4, "One."), (4, 8, "Two."), (8, 13, "Three.")) == [(0, 8, "One. Two."), (8, 13, "Three.")]


def test_sentences_are_parted_at_a_cut() -> None:
    assert spoken((0, 4, "One."), (4, 8, "Two."), cuts=[4]) == [(0, 4, "One."), (4, 8, "Two.")]


def test_a_sentence_that_begins_just_before_the_cut_belongs_behind_it() -> None:
    assert spoken((0, 3.7, "One."), (3.7, 8, "Two."), cuts=[4]) == [(0, 3.7, "One."), (3.7, 8, "Two.")]
    assert spoken((0.0, 3, "One."), (3, 8, "Two."), cuts=[0.4]) == [(0, 8, "One. Two.")]


def test_sentences_are_parted_where_new_text_appears_as_slides_have_no_cuts() -> None:
    assert spoken((0, 4, "One."), (4, 8, "Two."), written=[(4, 9, "Chapter 2")]) == [(0, 4, "One."), (4, 8, "Two.")]


def test_sentences_are_parted_at_a_pause_and_at_another_language() -> None:
    assert spoken((0, 2, "One."), (4.5, 6, "Two.")) == [(0, 2, "One."), (4.5, 6, "Two.")]
    made = document((0, 2, "One."), (2, 4, "Zwei."))
    one, two = made.transcription.segments if made.transcription else []
    made = replace(made, transcription=Transcription("en", "", [one, replace(two, language="de")]))
    assert [(card.said, card.language) for card in cards_of(made)] == [("One.", "en"), ("Zwei.", "de")]


def test_a_long_segment_is_cut_before_words() -> None:
    words = [Word(float(at), at + 1.0, f" {at}", 0.9) for at in range(30)]
    made = document((0, 30, "".join(word.word for word in words)))
    segments = [Segment(0.0, 30.0, "", 0, 0, words)]
    cards = cards_of(replace(made, transcription=Transcription("en", "", segments)))
    assert [(card.start_s, card.end_s) for card in cards] == [(0, 12), (12, 24), (24, 30)]
    assert " ".join(card.said for card in cards) == " ".join(map(str, range(30)))


def test_a_card_has_what_is_written_seen_heard_and_described_meanwhile() -> None:
    made = document(
        (10, 14, "Look at him."),
        written=[(9, 12, "Bello"), (11, 13, "7")],
        tracks=[(8, 13, "dog"), (13.9, 20, "cat"), (12, 12.5, "ball")],
        cuts=[9, 14],
    )
    made = replace(
        made,
        sounds=Sounds(0.3, [SoundEvent(label, 0, 9.0, 15.0, 0.9, 0.8) for label in ("Speech", "Bark")]),
        results={
            "describe": StageResult(label="described", spans=[FoundSpan(start_s=9, end_s=14, text="A dog runs.")])
        },
    )
    (card,) = [card for card in cards_of(made) if card.said]
    assert card.texts == {
        "speech": "Look at him.",
        "text": "Bello",
        "description": "A dog runs.",
        "tracks": "ball, dog",
        "sounds": "Bark",
    }
    assert card.meaning == "Look at him. On screen: Bello. A dog runs. Seen: ball, dog."


def test_where_nobody_speaks_a_card_lasts_as_long_as_nothing_changes() -> None:
    made = document(tracks=[(0, 30, "dog"), (25, 59, "cat")], cuts=[20])
    assert [(card.start_s, card.end_s, card.seen) for card in cards_of(made)] == [
        (0, 20, "dog"),
        (20, 32, "cat, dog"),
        (32, 60, "cat"),
    ]


def test_a_stretch_in_which_nothing_is_found_is_no_card() -> None:
    assert cards_of(document()) == []


def test_objects_stand_in_for_tracks_where_those_did_not_run() -> None:
    objects = [DetectedObject(0, label, confidence, BOX) for label, confidence in (("dog", 0.9), ("toilet", 0.3))]
    made = replace(document(duration_s=3.0), tracks=None, detections=[Detection(0, 1.0, 1.0, objects)])
    assert [card.texts for card in cards_of(made)] == [{"objects": "dog"}]


@pytest.mark.parametrize(("task", "language"), [("transcribe", "de"), ("translate", "en")])
def test_speech_that_was_translated_is_english(task: str, language: str) -> None:
    made = document((0, 4, "A dog."), language="de")
    assert cards_of(replace(made, config=replace(made.config, task=task)))[0].language == language


def test_labels_are_english_in_any_video() -> None:
    made = document((0, 4, "Ein Hund."), language="de", tracks=[(10, 20, "dog")], written=[(30, 40, "Hund")])
    assert [card.language for card in cards_of(made)] == ["de", None, "de"]


@given(wild_documents())
def test_any_document_has_cards_in_the_order_of_time(made: Document) -> None:
    cards = cards_of(made)
    assert all(one.start_s <= other.start_s for one, other in pairwise(cards))
    assert all(card.texts and card.meaning for card in cards)


@given(
    st.lists(st.tuples(st.floats(0, 99), st.floats(0, 30)), max_size=6),
    st.lists(st.floats(0, 100), max_size=6),
)
def test_silences_fill_what_speech_leaves(speech: list[tuple[float, float]], cuts: list[float]) -> None:
    spoken = sorted((start, start + length) for start, length in speech)
    edges = sorted({0.0, 100.0, *cuts})
    found = list(silences(spoken, edges))
    for start, end in found:
        assert 0 < end - start <= MOST_S + 1e-9
        assert all(end <= first or last <= start for first, last in spoken)
        assert not any(start + 1e-9 < cut < end - 1e-9 for cut in edges)
    assert all(one[1] <= other[0] for one, other in pairwise(found))


def test_what_is_said_comes_first_among_the_texts_of_a_card() -> None:
    assert [*Card(0, 1, said="a", written="b", seen="c").texts] == ["speech", "text", "tracks"]
