"""A library is what its documents say, whatever was done with it before."""

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from framefleet.embedding import has_embedder, open_embedder
from framefleet.errors import InputError, OutputError, SetupError
from framefleet.library import Added, Library, library_in
from framefleet.library.search import fused
from framefleet.schema.document import FailureEntry
from tests.library.make import KnowsFewWords, document, put

SPACE = document(
    (0, 4, "An astronaut talks about space."),
    (20, 24, "Look at the stars."),
    name="space.mp4",
    written=[(40, 50, "Grand opening")],
    tracks=[(40, 51, "dog")],
)
BREAD = document((0, 4, "Knead the dough."), (4, 8, "Bake a loaf of bread."), name="bread.mp4", cuts=[4])
FABRIK = document((0, 4, "Die Firma wurde im Jahr 1950 gegründet."), name="fabrik.mp4", language="de")
TOKYO = document((0, 4, "東京タワーはとても高いです。"), name="tokyo.mp4", language="ja")
GONGCHANG = document((0, 4, "今天我们参观工厂，门票五欧元。"), name="gongchang.mp4", language="zh")


@pytest.fixture
def model() -> KnowsFewWords:
    return KnowsFewWords()


@pytest.fixture
def library(tmp_path: Path, model: KnowsFewWords) -> Iterator[Library]:
    with Library(tmp_path / "lib.sqlite3", open_model=lambda: model) as opened:
        yield opened


def counts(added: Added) -> tuple[int, int, int, int]:
    return added.new, added.changed, added.same, added.gone


def found(library: Library, text: str) -> list[tuple[str, float, str, str]]:
    return [(hit.video, hit.start_s, hit.source, hit.text) for hit in library.search(text).hits]


def test_what_is_said_written_and_seen_is_found_with_its_time(library: Library, tmp_path: Path) -> None:
    path = put(tmp_path / "results", SPACE)
    library.add(tmp_path / "results")
    best = library.search("the stars").hits[0]
    assert (best.video, best.document, best.start_s, best.end_s) == ("space.mp4", path, 20, 24)
    assert (best.source, best.text) == ("speech", "Look at the stars.")
    assert found(library, "grand opening")[0] == ("space.mp4", 40, "text", "Grand opening")
    assert found(library, "dog")[0][1:] == (40, "tracks", "dog")
    scores = [hit.score for hit in library.search("the stars").hits]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] <= scores[0] <= 1


def test_what_means_the_same_is_found_without_a_common_word(library: Library, tmp_path: Path) -> None:
    put(tmp_path, SPACE), put(tmp_path, BREAD)
    library.add(tmp_path)
    assert found(library, "orbit")[0][:2] == ("space.mp4", 0)
    assert library.search("orbit").words_only is None


@pytest.mark.parametrize(
    ("made", "wanted", "language"),
    [(FABRIK, "Firmen", "de"), (FABRIK, "gegrundet", "de"), (TOKYO, "タワー", "ja"), (GONGCHANG, "门票", "zh")],
)
def test_other_languages_are_searched_by_words_and_the_answer_says_so(
    library: Library, model: KnowsFewWords, tmp_path: Path, made: object, wanted: str, language: str
) -> None:
    put(tmp_path, made)  # type: ignore[arg-type]
    library.add(tmp_path)
    answer = library.search(wanted)
    if wanted != "Firmen":  # another ending, which no stemmer here knows
        assert [hit.start_s for hit in answer.hits] == [0]
    assert answer.words_only == f"searched by words only in {language}: the meaning is known for English"
    assert not model.asked  # neither of what is said, nor in vain for the words
    assert library.search("unicorn").words_only == answer.words_only


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        ("猫", {0, 20}),
        ("図書", {0, 10}),
        ("図書館", {0}),
        ("東京タワー", {10}),
        ("館内", {0}),
        ("書館図", set()),
        ("人工智能", {30}),
        ("人工", {30, 40}),
        ("智", {30, 50}),
        ("チャーリー", {50}),
        ("二〇二五年", {40}),
        ("図書室はどこ", {0, 10}),  # of a sentence that occurs nowhere, its parts
    ],
)
def test_words_without_spaces_are_found_where_they_are_and_nowhere_else(
    library: Library, tmp_path: Path, wanted: str, where: set[float]
) -> None:
    said = ["図書館内の猫です。", "図書カードと東京タワー。", "京都の東、黒猫が寝る。", "人工智能改变世界。"]
    said += ["人工费用，二〇二五年。", "チャーリー・ブラウン、智恵。"]
    put(tmp_path, document(*((10.0 * at, 10.0 * at + 9, text) for at, text in enumerate(said)), language="ja"))
    library.add(tmp_path)
    assert {hit.start_s for hit in library.search(wanted).hits} == where


def test_one_search_finds_all_languages(library: Library, tmp_path: Path) -> None:
    for made in (SPACE, FABRIK, TOKYO, GONGCHANG):
        put(tmp_path, made)
    library.add(tmp_path)
    assert found(library, "東京")[0][0] == "tokyo.mp4"
    assert found(library, "工厂")[0][0] == "gongchang.mp4"
    assert found(library, "Firma")[0][0] == "fabrik.mp4"
    assert found(library, "orbit")[0][0] == "space.mp4"


def test_without_the_model_words_are_searched_and_the_answer_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(tmp_path / "none"))
    put(tmp_path / "results", SPACE)
    with Library(tmp_path / "lib.sqlite3") as library:
        library.add(tmp_path / "results")
        answer = library.search("astronaut")
        assert [hit.text for hit in answer.hits] == ["An astronaut talks about space."]
        assert answer.words_only == (
            "searched by words only: MiniLM, the embedded model for the meaning of texts was not fetched"
        )


def test_a_text_is_embedded_once_whatever_becomes_of_its_document(
    library: Library, model: KnowsFewWords, tmp_path: Path
) -> None:
    path = put(tmp_path / "a", SPACE)
    library.add(tmp_path)
    assert library.embed() == len(model.asked) > 0
    path.rename(tmp_path / "moved_results.json")
    library.add(tmp_path)
    put(tmp_path / "b", replace(SPACE, video=replace(SPACE.video, sha256="ab" * 32)))
    library.add(tmp_path)
    assert library.embed() == 0


def test_only_what_is_new_or_has_changed_is_read(library: Library, tmp_path: Path) -> None:
    space, bread = put(tmp_path, SPACE), put(tmp_path, BREAD)
    assert counts(library.add(tmp_path)) == (2, 0, 0, 0)
    assert counts(library.add(tmp_path, space)) == (0, 0, 3, 0)
    os.utime(space, ns=(1, 1))  # touched
    assert counts(library.add(tmp_path)) == (0, 0, 2, 0)
    put(tmp_path, document((0, 4, "A kitten."), name="bread.mp4"))
    assert counts(library.add(bread)) == (0, 1, 0, 0)
    assert "kitten" in found(library, "kitten")[0][3]
    assert all("dough" not in text for *_, text in found(library, "dough"))
    space.unlink()
    assert counts(library.add(tmp_path)) == (0, 0, 1, 1)
    assert [entry.video for entry in library.documents()] == ["bread.mp4"]


def test_documents_of_other_folders_stay(library: Library, tmp_path: Path) -> None:
    put(tmp_path / "a", SPACE), put(tmp_path / "ab", BREAD)
    library.add(tmp_path / "a", tmp_path / "ab")
    shutil.rmtree(tmp_path / "ab")
    assert counts(library.add(tmp_path / "a")) == (0, 0, 1, 0)
    assert library.remove(tmp_path / "a") == 1
    assert [entry.video for entry in library.documents()] == ["bread.mp4"]
    assert library.remove(tmp_path / "a") == 0


def test_what_is_removed_is_not_found_and_stays_on_the_disk(library: Library, tmp_path: Path) -> None:
    path = put(tmp_path, SPACE)
    library.add(path)
    assert library.remove(path) == 1
    assert library.search("stars").hits == []
    assert path.is_file()


def test_files_in_a_folder_that_are_no_documents_are_skipped(library: Library, tmp_path: Path) -> None:
    put(tmp_path, SPACE)
    (tmp_path / "corpus.json").write_text('{"videos": []}')
    (tmp_path / "coco.json").write_text('{"images": [')
    (tmp_path / "journal.sqlite3").write_bytes(b"SQLite")
    (tmp_path / "broken_results.json").write_text('{\n"schema_version": "2",\n')
    added = library.add(tmp_path)
    assert counts(added) == (1, 0, 0, 0)
    assert [path.name for path in added.skipped] == ["broken_results.json"]
    for name in ("corpus.json", "journal.sqlite3", "nothing.json"):
        with pytest.raises(InputError, match=name):
            library.add(tmp_path / name)


def test_as_many_hits_as_are_wanted_are_there(library: Library, tmp_path: Path) -> None:
    put(tmp_path, document(*((20.0 * at, 20.0 * at + 4, f"Word {at}.") for at in range(300)), duration_s=6000.0))
    library.add(tmp_path)
    assert len(library.search("word", most=1000).hits) == 300
    assert len(library.search("word", most=7).hits) == 7


def test_a_pipe_in_a_folder_is_not_read(library: Library, tmp_path: Path) -> None:
    put(tmp_path, SPACE)
    os.mkfifo(tmp_path / "pipe.json")
    assert counts(library.add(tmp_path)) == (1, 0, 0, 0)


def test_cards_stay_if_a_new_result_finds_the_same(library: Library, tmp_path: Path) -> None:
    put(tmp_path, SPACE)
    library.add(tmp_path)

    def cards() -> list[tuple[object, ...]]:
        with sqlite3.connect(library.path) as db:
            return db.execute("SELECT * FROM cards").fetchall()

    before = cards()
    put(tmp_path, BREAD), library.add(tmp_path)
    put(tmp_path, replace(SPACE, provenance=replace(SPACE.provenance, finished_at="2027-01-01T00:00:00+00:00")))
    assert counts(library.add(tmp_path)) == (0, 1, 1, 0)
    assert [card for card in cards() if card in before] == before
    assert {entry.finished_at[:4] for entry in library.documents()} > {"2027"}


def test_a_model_that_cannot_be_loaded_leaves_the_words(tmp_path: Path) -> None:
    def broken() -> KnowsFewWords:
        raise SetupError("tokenizers is not installed")

    put(tmp_path, SPACE)
    with Library(tmp_path / "lib.sqlite3", open_model=broken) as library:
        library.add(tmp_path)
        answer = library.search("astronaut")
    assert [hit.text for hit in answer.hits] == ["An astronaut talks about space."]
    assert answer.words_only == "searched by words only: tokenizers is not installed"


def test_a_search_sees_one_state_of_the_file(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the ranking and the hits, another process takes the document out."""
    put(tmp_path, SPACE)
    library.add(tmp_path)
    ranked = fused

    def while_another_removes(*rankings: Sequence[int]) -> list[tuple[int, float]]:
        with Library(library.path, open_model=KnowsFewWords) as other:
            other.remove(tmp_path)
        return ranked(*rankings)

    monkeypatch.setattr("framefleet.library.search.fused", while_another_removes)
    assert [hit.text for hit in library.search("astronaut", most=1).hits] == ["An astronaut talks about space."]
    assert library.search("astronaut").hits == []


def test_a_document_that_is_spoilt_is_gone(library: Library, tmp_path: Path) -> None:
    path = put(tmp_path, SPACE)
    library.add(tmp_path)
    path.write_text("{}")
    assert counts(library.add(tmp_path)) == (0, 0, 0, 1)
    assert library.search("stars").hits == []


def test_of_several_documents_of_a_video_the_newest_whole_one_answers(library: Library, tmp_path: Path) -> None:
    failed = [FailureEntry(stage="text", items=[1], error="lost", attempts=2)]
    newest = replace(SPACE.provenance, finished_at="2027-01-01T00:00:00+00:00")
    old, half, new = (
        put(tmp_path / "old", SPACE),
        put(tmp_path / "half", replace(SPACE, failures=failed, provenance=newest)),
        put(tmp_path / "new", replace(SPACE, provenance=newest)),
    )

    def answering() -> Path:
        (searched,) = [entry.document for entry in library.documents() if entry.cards]
        assert {hit.document for hit in library.search("stars").hits} == {searched}
        return searched

    library.add(half)
    assert answering() == half
    library.add(old)
    assert answering() == old
    library.add(new)
    assert answering() == new
    library.add(tmp_path)
    assert answering() == new
    library.remove(new)
    assert answering() == old
    library.remove(old)
    assert answering() == half


def test_a_library_built_again_answers_the_same(tmp_path: Path, model: KnowsFewWords) -> None:
    for made in (SPACE, BREAD, FABRIK):
        put(tmp_path, made)
    answers = []
    for name in ("one.sqlite3", "two.sqlite3"):
        with Library(tmp_path / name, open_model=lambda: model) as library:
            if name == "two.sqlite3":  # another way there
                library.add(*sorted(tmp_path.glob("*_results.json"), reverse=True))
                library.remove(tmp_path / "bread_results.json")
            library.add(tmp_path)
            answers.append([library.search(text) for text in ("bread", "orbit", "Firma")])
    assert [answer.hits[0] for answer in answers[0]] == [answer.hits[0] for answer in answers[1]]


def test_several_threads_may_add_and_search(library: Library, tmp_path: Path) -> None:
    paths = [put(tmp_path, document((0, 4, f"word{i}"), name=f"{i}.mp4")) for i in range(12)]
    failures = list[BaseException]()

    def work(mine: list[Path]) -> None:
        try:
            with Library(library.path, open_model=KnowsFewWords) as own:
                for path in mine:
                    own.add(path)
                    library.search("word1")
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(paths[i::3],)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert found(library, "word11")[0][0] == "11.mp4"


def test_cards_of_an_older_version_are_made_anew(library: Library, tmp_path: Path) -> None:
    put(tmp_path, SPACE)
    library.add(tmp_path)
    with sqlite3.connect(library.path) as db:
        db.execute("UPDATE documents SET cards_version = 0")
        db.execute("DELETE FROM cards")
        db.execute("DELETE FROM words")
    assert counts(library.add(tmp_path)) == (0, 1, 0, 0)
    assert found(library, "stars")


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"no database " * 99), lambda path: path.mkdir()])
def test_a_file_that_is_no_library_is_told(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    spoil(library_in(tmp_path))
    with pytest.raises(OutputError, match="the library cannot be used"):
        Library(library_in(tmp_path))


def test_a_library_that_must_exist_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no library there"):
        Library(library_in(tmp_path), exists=True)
    assert not [*tmp_path.iterdir()]


@pytest.mark.full
@pytest.mark.skipif(not has_embedder(), reason="MiniLM was not fetched: python -m framefleet.models.fetch minilm")
def test_minilm_finds_a_paraphrase(tmp_path: Path) -> None:
    put(tmp_path, SPACE), put(tmp_path, BREAD)
    with Library(tmp_path / "lib.sqlite3", open_model=open_embedder) as library:
        library.add(tmp_path)
        assert library.search("Which animal is there?").hits[0].start_s == 40
        assert library.search("How is a cake made?").hits[0].video == "bread.mp4"
