"""The language of each window, and the votes of several."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.stages.speech.worker.languages import LanguageRecorder, LanguageWindow, Vote, certainty, elected

votes = st.lists(
    st.builds(Vote, st.sampled_from(["de", "en", "fr"]), st.floats(0.01, 1), st.floats(0.1, 30)), min_size=1
)


@given(votes)
def test_the_vote_does_not_depend_on_the_order(given_votes: list[Vote]) -> None:
    assert elected(given_votes) == elected(given_votes[::-1])
    assert certainty("de", given_votes) == pytest.approx(certainty("de", given_votes[::-1]))


@given(votes)
def test_what_is_elected_was_voted_for_and_is_as_certain_as_its_votes(given_votes: list[Vote]) -> None:
    language = elected(given_votes)
    own = [vote.probability for vote in given_votes if vote.language == language]
    assert min(own) - 1e-9 <= certainty(language, given_votes) <= max(own) + 1e-9


@given(votes)
def test_a_sure_vote_cannot_be_outvoted_by_guesses(given_votes: list[Vote]) -> None:
    guesses = [Vote("xx", 0.49, 1000.0)] * 3
    sure = [vote for vote in given_votes if vote.probability >= 0.5]
    assert elected([*given_votes, *guesses]) == (elected(sure) if sure else "xx")


def test_without_votes_there_is_no_language() -> None:
    assert elected([]) is None
    assert certainty(None, []) == 0.0


class Model:
    """A stand-in for CTranslate2's model: each call of `detect_language` gives the next of these."""

    is_multilingual = True

    def __init__(self, *found: tuple[str, float]) -> None:
        self._found = iter(found)

    def detect_language(self, encoded: Any) -> Any:
        language, probability = next(self._found)
        return [[(f"<|{language}|>", probability), ("<|la|>", 0.01)]]


def windows(*found: tuple[str, float]) -> list[LanguageWindow | None]:
    recorder = LanguageRecorder(Model(*found))
    recorder.begin()
    noted = []
    for _ in found:
        told = recorder.detect_language(None)[0][0][0]
        assert recorder.window is not None
        assert told == f"<|{recorder.window.language}|>"
        noted.append(recorder.window)
    return noted


def test_two_languages_stay_two() -> None:
    assert windows(("en", 0.9), ("de", 0.8), ("en", 0.7)) == [
        LanguageWindow("en", 0.9),
        LanguageWindow("de", 0.8),
        LanguageWindow("en", 0.7),
    ]


def test_a_window_that_is_not_sure_takes_the_language_of_the_last_that_was() -> None:
    assert windows(("es", 0.9), ("el", 0.4), ("el", 0.6)) == [
        LanguageWindow("es", 0.9),
        LanguageWindow("es", 0.4),
        LanguageWindow("el", 0.6),
    ]


def test_before_any_is_sure_it_is_a_guess() -> None:
    assert windows(("el", 0.3), ("es", 0.9)) == [LanguageWindow("el", 0.3, guessed=True), LanguageWindow("es", 0.9)]


def test_each_transcription_begins_anew() -> None:
    recorder = LanguageRecorder(Model(("es", 0.9), ("el", 0.3)))
    recorder.begin()
    recorder.detect_language(None)
    recorder.begin()
    assert recorder.window is None
    assert recorder.detect_language(None)[0][0] == ("<|el|>", 0.3)


def test_all_else_is_the_models() -> None:
    assert LanguageRecorder(Model()).is_multilingual
    several = SimpleNamespace(detect_language=lambda _: [[("<|de|>", 0.2)], [("<|en|>", 0.9)]])
    assert LanguageRecorder(several).detect_language(None) == [[("<|de|>", 0.2)], [("<|en|>", 0.9)]]
