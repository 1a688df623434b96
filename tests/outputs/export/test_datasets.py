"""Boxes arrive in other tools' datasets where they were: COCO, YOLO and MOTChallenge."""

import configparser
import csv
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from framefleet.errors import InputError
from framefleet.models import coco_labels
from framefleet.outputs.export.boxes import (
    class_names,
    clipped,
    courses,
    looked_at,
)
from framefleet.outputs.export.coco import id_of
from framefleet.outputs.export.formats import FORMATS, export
from framefleet.outputs.export.yolo import names
from framefleet.schema.document import Document
from framefleet.schema.objects import DetectedObject, Detection
from tests.outputs.export.documents import HEIGHT, WIDTH, boxes, documents, sees, texts

CAT = (15, "cat", 0.9, (10.0, 20.0, 50.0, 80.0))
DOG = (16, "dog", 0.4, (-10.0, 100.0, 30.0, 130.0))  # partly out of the picture
GONE = (15, "cat", 0.3, (170.0, 10.0, 180.0, 20.0))  # wholly


def exported(document: Document, form: str, folder: Path, **more: Any) -> Path:
    path = folder / f"clip_{form}"
    export(document, FORMATS[form], path, stem="clip", **more)
    return path


@given(boxes)
def test_a_clipped_box_lies_in_the_picture_and_in_the_box(box: tuple[float, float, float, float]) -> None:
    found = clipped(box, WIDTH, HEIGHT)
    if found is None:
        return
    x1, y1, x2, y2 = found
    assert 0 <= x1 < x2 <= WIDTH and 0 <= y1 < y2 <= HEIGHT
    for inner, outer in zip((x1, x2, y1, y2), sorted(box[::2]) + sorted(box[1::2]), strict=True):
        off = abs(inner - min(max(outer, 0), WIDTH if inner in (x1, x2) else HEIGHT))
        assert off <= 0.005 + 1e-9 or inner in (0, 120, 160)  # a hundredth, halved, and the rounding of this difference


def test_a_box_within_stays_as_it_is() -> None:
    assert clipped((1.25, 2.5, 30.0, 40.75), WIDTH, HEIGHT) == (1.25, 2.5, 30.0, 40.75)
    assert clipped((160.0, 0.0, 170.0, 10.0), WIDTH, HEIGHT) is None
    assert clipped((5.0, 5.0, 5.001, 9.0), WIDTH, HEIGHT) is None


def test_a_class_has_its_commonest_label() -> None:
    document = sees([(57, "sofa", 0.9, CAT[3]), CAT], [(57, "couch", 0.9, CAT[3])], [(57, "couch", 0.9, CAT[3])])
    assert class_names(document) == {15: "cat", 57: "couch"}


def test_a_course_says_where_it_was_gone_and_not_where_nobody_looked() -> None:
    cat = [CAT]
    document = sees(cat, [], cat, None, cat)
    [course] = courses(document)
    assert [(seen.index, seen.goes_on) for seen in course.seen] == [(0, False), (2, True), (4, False)]


def coco_of(document: Document) -> Any:
    coco = pytest.importorskip("pycocotools.coco")
    with TemporaryDirectory() as folder:
        return coco.COCO(str(exported(document, "coco", Path(folder)) / "annotations.json"))


def test_coco_knows_pictures_classes_boxes_and_tracks() -> None:
    document = sees([CAT, DOG, GONE], None, [])
    found, first = coco_of(document), id_of(document.video.sha256)
    assert [(i["id"] - first, i["file_name"], i["width"], i["height"]) for i in found.loadImgs(found.getImgIds())] == [
        (0, "clip_000000.jpg", WIDTH, HEIGHT),
        (2, "clip_000002.jpg", WIDTH, HEIGHT),
    ]
    assert {c["id"]: c["name"] for c in found.loadCats(found.getCatIds())} == {15: "cat", 16: "dog"}
    cat, dog = found.loadAnns(found.getAnnIds(imgIds=[first]))
    assert (cat["category_id"], cat["bbox"], cat["area"], cat["score"], cat["track_id"]) == (
        15,
        [10, 20, 40, 60],
        2400,
        0.9,
        1,
    )
    assert (dog["bbox"], dog["track_id"]) == ([0, 100, 30, 20], 2)


def test_coco_of_several_videos_goes_together(tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    seen = sees([CAT, DOG], [CAT])
    whole: dict[str, list[dict[str, Any]]] = {"images": [], "annotations": [], "categories": [], "videos": []}
    for sha256 in ("ab" * 32, "cd" * 32):
        folder = tmp_path / sha256
        folder.mkdir()
        document = replace(seen, video=replace(seen.video, sha256=sha256))
        one = json.loads((exported(document, "coco", folder) / "annotations.json").read_bytes())
        for name in ("images", "annotations", "videos"):
            whole[name] += one[name]
        whole["categories"] = one["categories"]
    (tmp_path / "all.json").write_text(json.dumps(whole))
    found = coco.COCO(str(tmp_path / "all.json"))
    assert (len(found.getImgIds()), len(found.getAnnIds())) == (4, 6)
    for image in found.loadImgs(found.getImgIds()):
        assert len(found.getAnnIds(imgIds=[image["id"]])) == (2 if image["file_name"] == "clip_000000.jpg" else 1)
    assert {image["video_id"] for image in whole["images"]} == {video["id"] for video in whole["videos"]}


@given(st.text(max_size=70))
def test_coco_ids_are_exact_where_numbers_are_floats(sha256: str) -> None:
    first = id_of(sha256)
    assert first >= 1 and float(first + 2**32 - 1) == first + 2**32 - 1


def test_pycocotools_draws_boxes_and_takes_them_for_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own `showAnns`, which draws on a figure of matplotlib: a stand-in counts what it is given."""
    drawn: list[Any] = []
    pyplot = SimpleNamespace(gca=lambda: SimpleNamespace(set_autoscale_on=bool, add_collection=drawn.append))
    patches = SimpleNamespace(Polygon=lambda points: points)
    collections = SimpleNamespace(PatchCollection=lambda shapes, **_: shapes)
    parts = {"matplotlib": SimpleNamespace(pyplot=pyplot), "matplotlib.pyplot": pyplot}
    parts |= {"matplotlib.collections": collections, "matplotlib.patches": patches}
    for name, part in parts.items():
        if name not in sys.modules:
            monkeypatch.setitem(sys.modules, name, part)
    found = coco_of(sees([CAT, DOG]))
    found.showAnns(found.loadAnns(found.getAnnIds()), draw_bbox=True)
    results = found.loadRes(found.loadAnns(found.getAnnIds()))
    results.showAnns(results.loadAnns(results.getAnnIds()), draw_bbox=True)
    assert [len(shapes) for shapes in drawn] == [2, 2, 2, 2]  # filled and outlined, of either


@given(documents())
def test_any_coco_loads_and_serves_as_results(document: Document) -> None:
    found = coco_of(document)
    annotations = found.loadAnns(found.getAnnIds())
    assert len(annotations) == sum(len(boxed) for _, boxed in looked_at(document))
    assert all(annotation["id"] > 0 for annotation in annotations)
    for annotation in annotations:
        x, y, width, height = annotation["bbox"]
        assert x >= 0 and y >= 0 and width > 0 and height > 0
        assert x + width <= WIDTH + 0.01 and y + height <= HEIGHT + 0.01
        assert annotation["category_id"] in found.cats and annotation["image_id"] in found.imgs
    if annotations:
        fields = ("image_id", "category_id", "bbox", "score")
        results = found.loadRes([{name: annotation[name] for name in fields} for annotation in annotations])
        assert len(results.getAnnIds()) == len(annotations)


def labels_beside(picture: Path) -> Path:
    """Ultralytics' rule: the last `/images/` becomes `/labels/`, the ending `.txt`."""
    return Path("/labels/".join(picture.as_posix().rsplit("/images/", 1)).rsplit(".", 1)[0] + ".txt")


def test_yolo_has_a_text_beside_every_picture(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    folder = exported(sees([CAT, DOG, GONE], None, []), "yolo", tmp_path)
    data = yaml.safe_load((folder / "data.yaml").read_text("utf-8"))
    assert data["names"] == dict(enumerate(coco_labels()))
    assert labels_beside(folder / data["train"] / "clip_000000.jpg").read_text() == (
        "15 0.187500 0.416667 0.250000 0.500000\n16 0.093750 0.916667 0.187500 0.166667\n"
    )
    assert labels_beside(folder / data["val"] / "clip_000002.jpg").read_text() == ""
    assert len(list((folder / "labels").iterdir())) == 2


def test_yolo_has_a_sixth_column_if_asked(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    folder = exported(sees([CAT]), "yolo", tmp_path, scores=True)
    assert (folder / "labels" / "clip_000000.txt").read_text() == "15 0.187500 0.416667 0.250000 0.500000 0.9\n"


@given(documents())
def test_any_yolo_dataset_keeps_ultralytics_rules(document: Document) -> None:
    yaml = pytest.importorskip("yaml")
    with TemporaryDirectory() as place:
        folder = exported(document, "yolo", Path(place))
        numbers = yaml.safe_load((folder / "data.yaml").read_text("utf-8"))["names"]
        assert list(numbers) == list(range(len(numbers)))
        assert {n: numbers[n] for n in class_names(document)} == class_names(document)
        for file in (folder / "labels").iterdir():
            for line in file.read_text().splitlines():
                number, *parts = line.split()
                assert int(number) in class_names(document)
                assert len(parts) == 4 and all(0 <= float(part) <= 1 for part in parts)


def test_classes_that_are_not_cocos_keep_their_numbers_too() -> None:
    assert names({0: "person"})[79] == "toothbrush"
    assert names({0: "helmet", 2: "vest"}) == {0: "helmet", 1: "class_1", 2: "vest"}
    with pytest.raises(InputError, match="yolo: class numbers from -1 to 5"):
        names({-1: "x", 5: "y"})
    with pytest.raises(InputError, match="yolo"):
        names({1_000_000_000: "x"})


def mot_rows(path: Path) -> list[list[float]]:
    return [[float(cell) for cell in row] for row in csv.reader(path.read_text(encoding="utf-8").splitlines())]


def test_mot_counts_pictures_and_pixels_from_1(tmp_path: Path) -> None:
    folder = exported(sees([CAT, DOG, GONE], None, [CAT]), "mot", tmp_path)
    assert mot_rows(folder / "gt" / "gt.txt") == [
        [1, 1, 11, 21, 40, 60, 1, 1, 1],
        [1, 2, 1, 101, 30, 20, 1, 2, 1],
        [3, 1, 11, 21, 40, 60, 1, 1, 1],
    ]
    assert mot_rows(folder / "det" / "det.txt")[1] == [1, -1, 1, 101, 30, 20, 0.4, -1, -1, -1]
    assert (folder / "gt" / "labels.txt").read_text() == "cat\ndog\n"
    info = configparser.ConfigParser()
    info.read(folder / "seqinfo.ini")
    assert dict(info["Sequence"]) == {
        "name": "clip",
        "imdir": "img1",
        "framerate": "1",
        "seqlength": "3",
        "imwidth": "160",
        "imheight": "120",
        "imext": ".jpg",
    }
    assert "imDir=img1\n" in (folder / "seqinfo.ini").read_text()


def test_mot_without_tracks_has_what_the_detector_saw(tmp_path: Path) -> None:
    folder = exported(replace(sees([CAT]), tracks=None), "mot", tmp_path)
    assert not (folder / "gt").exists()
    assert len(mot_rows(folder / "det" / "det.txt")) == 1


@given(documents())
def test_any_mot_sequence_is_numbers_alone(document: Document) -> None:
    with TemporaryDirectory() as place:
        folder = exported(document, "mot", Path(place))
        frames = {detection.index + 1 for detection, _ in looked_at(document)}
        for rows, columns in ((folder / "det" / "det.txt", 10), (folder / "gt" / "gt.txt", 9)):
            for row in mot_rows(rows) if rows.exists() else ():
                assert len(row) == columns and row[0] in frames and row[4] > 0 and row[5] > 0


def test_motmetrics_reads_it_back(tmp_path: Path) -> None:
    metrics = pytest.importorskip("motmetrics", reason="motmetrics is heavy, and not among what the tests set up")
    folder = exported(sees([CAT, DOG], [CAT]), "mot", tmp_path)
    found = metrics.io.loadtxt(str(folder / "gt" / "gt.txt"), fmt="mot16")
    assert found.loc[(1, 1)][["X", "Y", "Width", "Height"]].tolist() == [10, 20, 40, 60]


@given(texts)
def test_a_label_with_anything_in_it_is_one_line(label: str) -> None:
    document = replace(sees([CAT]), detections=[Detection(0, 0.0, 0.0, [DetectedObject(0, label, 0.5, CAT[3])])])
    [name] = class_names(document).values()
    assume(name)
    with TemporaryDirectory() as place:
        folder = exported(replace(document, tracks=None), "coco", Path(place))
        assert json.loads((folder / "annotations.json").read_bytes())["categories"] == [{"id": 0, "name": name}]
    assert len(name.splitlines()) == 1 and not set(name) & set("\x00\x1b\t\ufffe")
