"""Which label a video gets, how sure that is, and what decided; with a model that knows a few words."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.corpus.labels import Label, read_labels, topics
from framefleet.corpus.niches import Niches, classify_documents, softmax
from framefleet.corpus.result import Niche
from framefleet.corpus.shared_words import by_words, terms_of
from framefleet.corpus.texts import Text, Words, sidecar, words_of
from framefleet.errors import InputError, UsageError
from framefleet.schema.document import Document
from tests.library.make import KnowsFewWords, document, put

LABELS = [
    Label("space", "planets and orbit", ["an astronaut in orbit", "the rocket starts"]),
    Label("bread", "dough and ovens", ["knead the dough", "a loaf in the oven"]),
]
RIVALS = [Label("cats", "kitten and cat", ["my kitten sleeps"])]


def niche(*texts: str) -> Niche:
    made = Niches(LABELS, KnowsFewWords(), RIVALS)
    return made.of(Words([Text(text, 1.0, float(place)) for place, text in enumerate(texts)], None), "v.mp4", "v.json")


def test_the_best_label_with_the_texts_that_decided_it() -> None:
    found = niche("some other thing", "knead the dough in the oven", "a loaf")
    assert (found.label, found.second, found.unsure) == ("bread", "space", False)
    assert {one.start_s for one in found.because} == {1.0, 2.0}
    assert all(one.text != "some other thing" for one in found.because)
    assert 0.5 < found.score <= 1.0


def test_what_a_rival_claims_is_none_of_them() -> None:
    found = niche("my kitten sleeps")
    assert found.label is None
    assert found.second in {"space", "bread"}
    assert found.because[0].text == "my kitten sleeps"


def test_a_tie_is_unsure_and_gives_two() -> None:
    alike = [Label("one", "apple"), Label("two", "pear"), Label("three", "plum")]
    made = Niches(alike, KnowsFewWords(), RIVALS)
    found = made.of(Words([Text("apple pear plum", 1.0)], None), "", "")
    assert (found.label, found.second) == ("one", "two")
    assert found.score == pytest.approx(1 / 3, abs=0.01)
    assert found.unsure


def test_a_single_label_is_as_sure_as_it_is_ahead_of_its_rivals() -> None:
    made = Niches(LABELS[1:], KnowsFewWords(), RIVALS)
    clear = made.of(Words([Text("knead the dough", 1.0)], None), "", "")
    close = made.of(Words([Text("dough kitten", 1.0)], None), "", "")
    assert (clear.label, close.label, clear.second) == ("bread", "bread", None)
    assert close.score < clear.score <= 1.0


def test_labels_there_have_to_be() -> None:
    with pytest.raises(UsageError, match="no labels"):
        classify_documents({"a.json": document((0, 4, "Hello there."))}, [])


def test_a_topic_like_a_label_is_no_rival() -> None:
    same = [Label("baking", "dough and ovens", ["knead the dough", "a loaf in the oven"])]
    assert Niches(LABELS, KnowsFewWords(), same).rivals.names == []
    made = Niches(LABELS, KnowsFewWords(), same)
    assert made.of(Words([Text("knead the dough", 1.0)], None), "", "").label == "bread"


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=6))
def test_scores_are_shares_of_one(similar: list[float]) -> None:
    shares = softmax(np.array(similar))
    assert shares.sum() == pytest.approx(1)
    assert shares[np.argmax(similar)] == shares.max()


def test_there_are_about_forty_everyday_topics() -> None:
    names = [topic.name for topic in topics()]
    assert 40 <= len(names) == len(set(names)) <= 60
    assert all(topic.description and len(topic.examples) >= 2 for topic in topics())


def test_documents_are_classified_by_several_threads_in_their_order() -> None:
    documents: dict[str, Document] = {}
    for n in range(12):
        text = "an astronaut in orbit" if n % 2 else "knead the dough"
        documents[f"{n:02d}.json"] = document((0, 4, text), name=f"IMG_{n}.mp4")
    found = classify_documents(documents, LABELS, KnowsFewWords())
    assert [one.label for one in found] == ["bread", "space"] * 6
    assert [one.document for one in found] == list(documents)
    assert [one.video for one in found] == [f"IMG_{n}.mp4" for n in range(12)]


def test_another_language_is_by_words_alone_and_says_so() -> None:
    labels = [Label("Brot", "Teig und Backofen", ["den Teig kneten"]), Label("Weltraum", "Raketen und Planeten")]
    german = document((0, 4, "Heute kneten wir den Teig."), (8, 12, "Und dann geht er in den Backofen."), language="de")
    loads_none = classify_documents({"a.json": german}, labels)
    (found,) = loads_none
    assert found.label == "Brot"
    assert found.note is not None
    assert "by words only" in found.note
    assert "de" in found.note
    assert {one.start_s for one in found.because} == {0.0, 8.0} or found.because[0].start_s == 0.0
    (nothing,) = classify_documents({"a.json": document((0, 4, "Guten Morgen."), language="de")}, labels)
    assert (nothing.label, nothing.unsure) == (None, True)


@pytest.mark.parametrize(
    ("text", "language", "label"),
    [("今日はパンを焼きます", "ja", "パン"), ("今天我们做面包", "zh", "面包")],
)
def test_scripts_without_spaces_are_compared_by_parts(text: str, language: str, label: str) -> None:
    labels = [Label("パン", "パンを焼く"), Label("面包", "做面包 烤面包"), Label("宇宙", "ロケット 火箭 飞船")]
    (found,) = classify_documents({"a.json": document((0, 4, text), language=language)}, labels)
    assert found.label == label
    assert found.note is not None


def test_a_video_without_words_says_so() -> None:
    found = by_words(Words([], None), LABELS, "v.mp4", "v.json")
    assert (found.label, found.score, found.unsure) == (None, 0.0, True)
    assert found.note is not None
    assert "no words" in found.note


@given(st.text())
def test_terms_of_any_text(text: str) -> None:
    assert all(terms_of(text))


def test_title_and_description_come_from_the_sidecar(tmp_path: Path) -> None:
    made = document((0, 4, "Hello there."), name=str(tmp_path / "clip.mp4"))
    path = put(tmp_path / "out", made)
    assert sidecar(made, path) == ("", "")
    content = {"title": "Bread for beginners #bread", "description": "Knead it. https://example.org/x", "id": 3}
    (tmp_path / "clip.info.json").write_bytes(msgspec.json.encode(content))
    assert sidecar(made, path) == ("Bread for beginners bread", "Knead it.")
    texts = words_of(made, path).texts
    assert [(text.weight, text.start_s) for text in texts] == [(2.0, None), (1.0, None), (2.0, 0.0)]


@pytest.mark.parametrize(
    "content", [b"", b"[1]", b"{", b'{"title": 3}', b"\xff\xfe", b'{"schema_version": "2", "title": "x"}']
)
def test_another_json_next_to_the_video_is_no_sidecar(tmp_path: Path, content: bytes) -> None:
    made = document((0, 4, "Hello there."), name=str(tmp_path / "clip.mp4"))
    (tmp_path / "clip.json").write_bytes(content)
    assert sidecar(made, put(tmp_path, made)) == ("", "")


@pytest.mark.parametrize(
    ("name", "title"),
    [("IMG_2034.mp4", None), ("My sourdough bread [dQw4w9WgXcQ].mkv", "My sourdough bread"), ("clip.mp4", None)],
)
def test_a_name_of_several_words_is_a_title(name: str, title: str | None) -> None:
    texts = words_of(document((0, 4, "Hello there."), name=name), Path("x_results.json")).texts
    assert (texts[0].text if texts[0].start_s is None else None) == title


def test_what_is_written_counts_once_and_not_if_it_is_said(tmp_path: Path) -> None:
    made = document(
        (0, 4, "Knead the dough."),
        written=[(0, 2, "KNEAD THE DOUGH"), (5, 5.5, "Bake it"), (6, 6.5, "Bake it"), (7, 8, "x")],
        name="IMG_1.mp4",
    )
    texts = words_of(made, tmp_path / "a_results.json").texts
    assert [(text.text, text.start_s) for text in texts] == [("Knead the dough.", 0.0), ("Bake it", 5)]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("", "no label"),
        ("[[label]]\ndescription = 'x'", "name"),
        ("[[label]]\nname = 'a'\nexample = ['x']", "example"),
        ("[[label]]\nname = 'a'\n[[label]]\nname = 'a'", "two labels are named a"),
        ("[[label]]\nname = ''", "no label with a name"),
        ("labels = 3", "unknown labels"),
        ("[[label", "not TOML"),
    ],
)
def test_a_file_of_labels_that_is_wrong_says_how(tmp_path: Path, content: str, match: str) -> None:
    path = tmp_path / "labels.toml"
    path.write_text(content)
    with pytest.raises(InputError, match=match):
        read_labels(path)
