"""Words of any language are found, whether they are written with spaces or without."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.library.search import fused
from framefleet.library.words import TOKENIZER, Term, any_of, has_meaning, indexed, terms


def found(text: str, wanted: str, *, beginnings: bool = True) -> bool:
    db = sqlite3.connect(":memory:")
    db.execute(f"CREATE VIRTUAL TABLE words USING fts5(text, tokenize='{TOKENIZER}')")
    db.execute("INSERT INTO words VALUES (?)", (indexed(text),))
    ways = [way for term in terms(wanted, beginnings=beginnings) for way in term if way]
    return any(db.execute("SELECT * FROM words WHERE words MATCH ?", (any_of(way),)).fetchall() for way in ways)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The cats are running.", "cat runs"),
        ("Zwei Züge fahren über die Brücke.", "Brücken zuge"),
        ("Die Wasserleitung wird geprüft.", "Wasser"),
        ("東京タワーはとても高いです。", "東京"),
        ("東京タワーはとても高いです。", "タワー"),
        ("猫がソファで寝ている。", "猫"),
        ("これは私の猫", "猫"),
        ("ｶﾒﾗを持つ男", "カメラ"),
        ("今天我们参观工厂，门票五欧元。", "门票"),
        ("今天我们参观工厂，门票五欧元。", "工厂多少钱"),
        ("สวัสดีครับ ยินดีต้อนรับ", "สวัสดี"),
        ("यह एक बिल्ली है", "बिल्ली"),
        ("Это моя кошка", "КОШКА"),
        ("고양이가 잔다", "고양이"),
        ("Café «Zoë»", "cafe zoe"),
    ],
)
def test_a_word_is_found(text: str, wanted: str) -> None:
    assert found(text, wanted)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("東京タワー", "京東"),
        ("今天我们参观工厂", "大学"),
        ("Ein Haus", "Maus"),
        ("the category of things", "cat"),
        ("what is it", "a dog is it"),
    ],
)
def test_another_word_is_not(text: str, wanted: str) -> None:
    assert not found(text, wanted)


def test_longer_words_are_only_found_where_endings_are_not_known() -> None:
    assert found("Wasserleitung", "Wasser", beginnings=True)
    assert not found("waterfalls", "water", beginnings=False)


def test_words_of_every_sentence_count_if_there_are_no_others() -> None:
    assert terms("Who is the cat?", beginnings=False) == [Term(('"cat"',))]
    assert terms("Who is it?", beginnings=False) == [Term(('"who"',)), Term(('"is"',)), Term(('"it"',))]
    assert terms(" ?! ", beginnings=False) == []


@pytest.mark.parametrize(
    ("text", "language", "meant"),
    [
        ("A cat sleeps.", "en", True),
        ("A café in Łódź", None, True),
        ("Eine Katze schläft.", "de", False),
        ("猫が寝ている", None, False),
        ("7 · 8", None, True),
    ],
)
def test_a_vector_stands_for_english_alone(text: str, language: str | None, *, meant: bool) -> None:
    assert has_meaning(text, language) is meant


@given(st.text(), st.booleans())
def test_any_text_can_be_searched_for(text: str, beginnings: bool) -> None:
    found("some text", text, beginnings=beginnings)


@given(st.text(alphabet="日本語東京猫タワーのはthai ไทย", min_size=1))
def test_every_text_is_found_by_itself(text: str) -> None:
    assert found(text, text) is bool(terms(text, beginnings=True))


def test_ranks_are_fused_and_what_is_first_everywhere_has_all_points() -> None:
    assert fused([1, 2, 3], [1, 3]) == [(1, 1.0), (3, pytest.approx((10 / 12 + 10 / 11) / 2)), (2, 10 / 11 / 2)]
    assert fused() == []
