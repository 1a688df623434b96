from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.results.query.phrases import (
    alike,
    folded,
    inside,
    named,
    occurrences,
    tokens,
    words_of,
)

LETTERS = st.text(st.characters(codec="utf-8", categories=["L", "N", "M", "P", "Z"]), max_size=12)
WORDS = st.lists(st.sampled_from(["the", "cat", "Café", "sat", "on", "it", "don't", "42"]), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Don't—it's twenty-five!", ["dont", "its", "twenty", "five"]),
        ("CAFÉ cafe\u0301 Straße", ["cafe", "cafe", "strasse"]),
        ("猫は かわいい", ["猫", "は", "か", "わ", "い", "い"]),
        ("が", ["が"]),  # the mark makes another letter
        ("กี่", list("กี่")),
        ("한국어 좋아", ["한국어", "좋아"]),
        ("привет, ёж", ["привет", "еж"]),
        ("… !!", []),
    ],
)
def test_words_of_a_text(text: str, found: list[str]) -> None:
    assert tokens(text) == found


@given(LETTERS)
def test_case_and_a_second_folding_change_nothing(text: str) -> None:
    assert folded(folded(text)) == folded(text)
    assert tokens(" ".join(tokens(text))) == tokens(text)


@given(WORDS, st.data())
def test_every_phrase_that_is_said_is_found_where_it_is(words: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    spaced = [f" {word}" for word in words]
    found = list(occurrences(spaced, " ".join(words[first : last + 1]).upper()))
    wanted = [tokens(word) for word in words[first : last + 1]]
    for start, end in found:
        assert [tokens(word) for word in words[start : end + 1]] == wanted
    assert any(start <= last and end >= first for start, end in found)
    assert all(end < start for (_, end), (start, _) in pairwise(found))


def test_words_may_be_cut_anywhere() -> None:
    assert list(occurrences([" twenty", "-five", " years"], "twenty five")) == [(0, 1)]
    assert list(occurrences([" don", "'t", " go"], "don't")) == [(0, 1)]
    assert list(occurrences(["かわ", "いい猫"], "わいい")) == [(0, 1)]
    assert list(occurrences([" pictures"], "picture")) == []


def test_a_name_itself_goes_before_names_that_it_is_a_word_of() -> None:
    assert named(["hot dog", "dog", "Dog"], "DOG") == ["dog", "Dog"]
    assert named(["hot dog", "cat"], "dog") == ["hot dog"]
    assert named(["hotdog"], "dog") == []


def test_what_is_read_in_pictures_is_found_without_its_spaces() -> None:
    assert inside("NOEXIT→", "exit")
    assert inside("N O  EXIT", "no exit")
    assert not inside("anything", "?")


@pytest.mark.parametrize(
    ("wanted", "near"), [("pers", "person"), ("PERSÓN", "person"), ("Bús", "Bus"), ("zebra", None), ("", None)]
)
def test_a_slip_is_told_by_the_nearest_name(wanted: str, near: str | None) -> None:
    assert alike(["cat", "person", "Bus"], wanted) == near
    assert alike([], wanted) is None


@given(LETTERS | st.lists(LETTERS).map(" ".join))
def test_a_text_is_its_words(text: str) -> None:
    assert "".join(words_of(text)) == text


def test_words_have_the_space_before_them() -> None:
    assert words_of(" Here is  the cat ") == [" Here", " is", "  the", " cat", " "]
    assert words_of("中文 a、中") == ["中", "文", " a、", "中"]
    assert words_of("Here") == ["Here"]
    assert words_of("") == []
