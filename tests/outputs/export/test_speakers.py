"""Who says it, in the formats that can tell; nothing of it where nobody asked, or one person alone speaks."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from framefleet.outputs.export.formats import FORMATS, export
from framefleet.outputs.export.table_files import tables
from framefleet.schema.document import Document
from framefleet.schema.speakers import Speaker
from framefleet.schema.speech import Segment, Transcription, Word
from tests.results.make import make_document

SAID = [("S1", "Hello there."), ("S2", "Who is it?"), (None, "Nobody.")]


def speaker(id: str, name: str | None, *turns: tuple[float, float]) -> Speaker:
    talk_s = sum(end_s - start_s for start_s, end_s in turns)
    return Speaker(id=id, name=name, first_s=turns[0][0], talk_s=talk_s, certain=True, turns=list(turns))


def conversation(*speakers: Speaker) -> Document:
    segments = []
    for place, (id, text) in enumerate(SAID):
        start_s = 2.0 * place
        words = [Word(start_s, start_s + 1, f" {text}", 0.9, id)]
        segments.append(Segment(start_s, start_s + 1.5, text, -0.1, 0.0, words, id))
    said = Transcription("en", " ".join(text for _, text in SAID), segments)
    return replace(make_document(), transcription=said, speakers=list(speakers))


TWO = conversation(speaker("S1", "Ada <3 & co, Ltd", (0.0, 1.5), (9.0, 9.5)), speaker("S2", None, (2.0, 3.5)))
ALONE = conversation(speaker("S1", None, (0.0, 9.0)))


def written(document: Document, form: str, folder: Path, **more: bool) -> str:
    path = folder / f"clip.{form}"
    export(document, FORMATS[form], path, stem="my clip", **more)
    return path.read_text("utf-8")


@pytest.mark.parametrize(
    ("form", "marks"),
    [
        ("srt", ["\n[Ada <3 & co, Ltd] Hello there.\n", "\n[S2] Who is it?\n", "\nNobody.\n"]),
        ("vtt", ["\n<v Ada &lt;3 &amp; co, Ltd>Hello there.\n", "\n<v S2>Who is it?\n", "\nNobody.\n"]),
        ("ass", [",Ada <3 & co  Ltd,0,0,0,,Hello there.\n", ",S2,0,0,0,,Who is it?\n", ",,0,0,0,,Nobody.\n"]),
    ],
)
def test_subtitles_say_who_speaks_unless_told_not_to(form: str, marks: list[str], tmp_path: Path) -> None:
    pytest.importorskip("pysubs2")
    text = written(TWO, form, tmp_path)
    assert [mark for mark in marks if mark not in text] == []
    for plain in (written(TWO, form, tmp_path, speakers=False), written(ALONE, form, tmp_path)):
        assert "Ada" not in plain and "S2" not in plain and "S1" not in plain
        assert "Who is it?" in plain


def test_single_words_of_srt_stay_single_words(tmp_path: Path) -> None:
    pytest.importorskip("pysubs2")
    assert "[" not in written(TWO, "srt", tmp_path, words=True)


def test_rttm_has_a_line_a_turn_in_the_order_of_time(tmp_path: Path) -> None:
    assert written(TWO, "rttm", tmp_path).splitlines() == [
        "SPEAKER my_clip 1 0.000 1.500 <NA> <NA> Ada_3_&_co,_Ltd <NA> <NA>",
        "SPEAKER my_clip 1 2.000 1.500 <NA> <NA> S2 <NA> <NA>",
        "SPEAKER my_clip 1 9.000 0.500 <NA> <NA> Ada_3_&_co,_Ltd <NA> <NA>",
    ]


def test_rttm_begins_with_the_clock(tmp_path: Path) -> None:
    early = conversation(speaker("S1", None, (-2.0, -1.0), (-0.5, 1.5)))
    assert written(early, "rttm", tmp_path) == "SPEAKER my_clip 1 0.000 1.500 <NA> <NA> S1 <NA> <NA>\n"


def test_tables_have_the_speakers_their_turns_and_who_says_each_word() -> None:
    found = tables(TWO)
    assert [row[-1] for row in found["segments"].rows] == [row[-1] for row in found["words"].rows] == ["S1", "S2", None]
    assert list(found["segments"].columns)[-1] == list(found["words"].columns)[-1] == "speaker"
    assert found["speakers"].rows[1] == ("S2", None, 2.0, 1.5, True)
    assert found["turns"].rows == [("S1", 0.0, 1.5), ("S2", 2.0, 3.5), ("S1", 9.0, 9.5)]
    assert "speakers" not in tables(replace(TWO, speakers=None))
