"""Whatever a document holds that the schema allows, what is made of it is made, or is refused in a line."""

import contextlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from framefleet.cli.commands.show import show
from framefleet.errors import FrameFleetError, InputError
from framefleet.media.files.probe import probe
from framefleet.outputs.export.formats import FORMATS, export
from framefleet.outputs.palette import colours
from framefleet.outputs.render.options import RenderOptions
from framefleet.outputs.render.overlay import Moments
from framefleet.outputs.render.paint import Painter
from framefleet.outputs.render.render import render
from framefleet.outputs.report.make import make_report
from framefleet.results.query.cues import cues_of
from framefleet.results.query.filters import choose
from framefleet.schema.codec import encode
from framefleet.schema.document import Document
from framefleet.schema.objects import DetectedObject, Detection
from tests.media.make import make_video
from tests.outputs.export.documents import says, sees
from tests.results.wild import wild_documents

wild = given(wild_documents())


def tried(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@contextmanager
def survived() -> Iterator[None]:
    """Neither a crash nor a warning, such as numpy's of an overflow; a refusal is one line for a person."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            yield
        except FrameFleetError as refused:
            assert "\n" not in str(refused)


@pytest.mark.full
@pytest.mark.parametrize("form", FORMATS)
@tried(20)
@wild
def test_every_export(form: str, document: Document) -> None:
    for module in {"parquet": ["pyarrow"], "otio": ["opentimelineio"], "yolo": ["yaml"]}.get(form, []):
        pytest.importorskip(module)
    if FORMATS[form].spoken:
        pytest.importorskip("pysubs2")
    with TemporaryDirectory() as folder:
        for number, words in enumerate((False, True) if FORMATS[form].spoken else (False,)):
            place = Path(folder) / f"{number}{FORMATS[form].ending}"
            with survived():
                export(document, FORMATS[form], place, stem="clip", words=words, scores=True)


@pytest.mark.full
@tried(15)
@wild
def test_the_report(document: Document) -> None:
    with TemporaryDirectory() as folder, survived():
        assert make_report(document, Path(folder) / "clip_results.json").size_bytes > 0


@pytest.mark.full
@tried(25)
@wild
def test_what_is_drawn(document: Document) -> None:
    with survived():
        moments = Moments(document)
        painter = Painter(160, 120, colours(document), "legend")
        cues = cues_of(document.transcription, painter.columns)
        for time_s in (-1.0, 0.0, 0.5, 1e9, *(detection.shown_s for detection in document.detections or ())):
            painter.paint(av.VideoFrame(160, 120, "yuv420p"), moments.at(time_s), cues.at(time_s))
        assert isinstance(choose(document, frozenset(["x"]), 0.5), Document)


@pytest.mark.full
@tried(10)
@wild
def test_show(document: Document) -> None:
    with TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        path = Path(folder) / "clip_results.json"
        path.write_bytes(encode(document))
        with survived():
            show(path)
        with survived():
            show(path, as_json=True)
        with survived():
            show(path, at="0", label="x", say="x", sound="x", text="x")


@pytest.mark.full
@tried(25)
@wild
def test_render(document: Document) -> None:
    with TemporaryDirectory() as folder:
        media = probe(make_video(Path(folder) / "clip.mp4", frames=3, size=(64, 48)))
        for look in (RenderOptions(), RenderOptions(subtitles="track", boxes="hold", start=Fraction(1, 25))):
            with survived():
                render(document, media, Path(folder) / "made.mp4", look)


@pytest.mark.parametrize(
    "box",
    [(150.0, 110.0, 10.0, 10.0), (10.0, 110.0, 150.0, 10.0), (-1e308, -1e308, 1e308, 1e308), (5.0, 5.0, 5.0, 5.0),
     (1e308, 0.0, 1e308, 9.0), (-9.0, -9.0, -1.0, -1.0)],
)  # fmt: skip
def test_boxes_from_right_to_left_without_end_and_without_size(box: tuple[float, float, float, float]) -> None:
    document = sees([(0, "cat", 0.9, box)], [(0, "cat", 0.9, (10.0, 10.0, 150.0, 110.0))])
    moments, painter = Moments(document), Painter(160, 120, colours(document), None)
    with survived():
        for time_s in (0.0, 0.5, 0.999):
            painter.paint(av.VideoFrame(160, 120, "yuv420p"), moments.at(time_s), None)


def test_a_rate_of_nothing_is_survived() -> None:
    document = sees([(0, "cat", 0.9, (1.0, 2.0, 30.0, 40.0))])
    document = replace(document, config=replace(document.config, fps=0.0))
    assert len(Moments(document).at(100.0)) == 1, "held, since nothing says until when"


def test_numbers_beyond_64_bits_are_null_in_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    document = sees([(0, "cat", 0.9, (1.0, 2.0, 30.0, 40.0))])
    document = replace(
        document, detections=[Detection(0, 0.0, 0.0, [DetectedObject(2**64 - 1, "cat", 0.9, (0, 0, 9, 9))])]
    )
    export(replace(document, tracks=None), FORMATS["parquet"], tmp_path / "parquet", stem="clip")
    assert parquet.read_table(tmp_path / "parquet" / "clip_detections.parquet")["class_id"].to_pylist() == [None]


def test_ass_says_that_it_has_no_times_after_ten_hours(tmp_path: Path) -> None:
    pytest.importorskip("pysubs2")
    late = says((35_999.0, 36_001.0, "late"))
    with pytest.raises(InputError, match=r"ass: the format ends at 9:59:59\.99"):
        export(late, FORMATS["ass"], tmp_path / "clip.ass", stem="clip")
    export(late, FORMATS["srt"], tmp_path / "clip.srt", stem="clip")
    assert "09:59:59,000 --> 10:00:01,000" in (tmp_path / "clip.srt").read_text()
