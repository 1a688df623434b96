"""What CVAT, Label Studio and FiftyOne get lies in the right frame, in the picture, and is what they document."""

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from msgspec.structs import replace

from framefleet.media.files.probe import probe
from framefleet.outputs.export.boxes import courses, looked_at
from framefleet.outputs.export.formats import FORMATS, export
from framefleet.outputs.export.frames import FrameNumbers, frame_numbers
from framefleet.outputs.export.otio import marks
from framefleet.schema.document import Document
from framefleet.schema.objects import Detection
from tests.media.make import make_video
from tests.outputs.export.documents import HEIGHT, WIDTH, documents, sees
from tests.outputs.export.test_datasets import CAT, DOG, GONE


def cvat_of(document: Document, video: Path | None = None) -> Xml.Element:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip_cvat.xml"
        export(document, FORMATS["cvat"], path, stem="clip", video=video)
        return Xml.parse(path).getroot()


def exported(document: Document, form: str, **more: Any) -> dict[str, Any]:
    """Every file of the folder, JSON decoded and XML parsed."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"clip_{form}"
        export(document, FORMATS[form], path, stem="clip", **more)
        files = {file.relative_to(path).as_posix(): file for file in path.rglob("*") if file.is_file()}
        return {
            name: json.loads(file.read_bytes()) if file.suffix == ".json" else Xml.parse(file).getroot()
            for name, file in files.items()
        }


def test_frames_are_the_files_own_whatever_its_rate_does(tmp_path: Path) -> None:
    times = [Fraction(t, 100) for t in (0, 3, 7, 50, 51, 52, 90, 170, 171, 250)]
    video = make_video(tmp_path / "clip.mp4", times=times)
    numbers = frame_numbers(sees(), video)
    assert [numbers.at(round(float(time), 6)) for time in times] == list(range(10))
    assert [numbers.at(time_s) for time_s in (0.06, 0.49, 1.69, 99.0, -1.0)] == [1, 2, 6, 9, 0]
    assert numbers.count == 10


def test_a_stream_that_begins_late_has_its_first_frame_at_0(tmp_path: Path) -> None:
    video = make_video(tmp_path / "clip.mkv", times=[Fraction(i, 10) + 2 for i in range(5)], audio="aac")
    assert probe(video).start > 0
    assert [frame_numbers(sees(), video).at(time_s) for time_s in (0.0, 0.1, 0.4)] == [0, 1, 4]


@pytest.mark.parametrize("times", [None, [0.0, 0.04, 0.08, 0.12, 0.16]])
def test_what_ends_with_a_frame_does_not_reach_into_it(times: list[float] | None) -> None:
    numbers = FrameNumbers(25.0, 5, times)
    assert [numbers.at(time_s) for time_s in (0.0, 0.08, 0.16)] == [0, 2, 4]
    assert [numbers.before(time_s) for time_s in (0.0, 0.04, 0.08, 0.16, 0.2, 9.0)] == [0, 0, 1, 3, 4, 4]


def test_frames_are_times_by_rate_where_there_is_no_video() -> None:
    numbers = frame_numbers(sees([], []), None)
    assert (numbers.at(0.0), numbers.at(1.0), numbers.at(1.96), numbers.at(5.0)) == (0, 25, 49, 49)
    assert FrameNumbers(25.0, 0).at(3.0) == 0


def test_cvat_has_a_track_for_each_thing_and_an_end_where_it_is_gone() -> None:
    root = cvat_of(sees([CAT, DOG, GONE], [], [CAT], None, [CAT]))
    assert root.findtext("version") == "1.1"
    assert root.findtext("meta/task/size") == "125"
    assert [label.text for label in root.iterfind("meta/task/labels/label/name")] == ["cat", "dog"]
    cat, dog = root.findall("track")
    assert (cat.get("id"), cat.get("label"), dog.get("label")) == ("0", "cat", "dog")
    found = [(box.get("frame"), box.get("outside")) for box in cat]
    assert found == [("0", "0"), ("1", "1"), ("50", "0"), ("100", "0"), ("101", "1")]
    box = dog[0].attrib
    assert [box[edge] for edge in ("xtl", "ytl", "xbr", "ybr")] == ["0.00", "100.00", "30.00", "120.00"]


def test_cvat_counts_the_frames_of_the_video_where_it_is(tmp_path: Path) -> None:
    video = make_video(tmp_path / "clip.mp4", times=[Fraction(0), Fraction(1, 2), Fraction(1), Fraction(3)])
    root = cvat_of(sees([CAT], [CAT]), video)
    assert [box.get("frame") for box in root.iter("box") if box.get("outside") == "0"] == ["0", "2"]
    assert root.findtext("meta/task/size") == "4"


@pytest.mark.full
@given(documents())
def test_any_cvat_file_is_xml_with_boxes_in_order_and_in_the_picture(document: Document) -> None:
    root = cvat_of(document)
    listed = {label.text or "" for label in root.iterfind("meta/task/labels/label/name")}
    size = int(root.findtext("meta/task/size") or 0)
    tracks = root.findall("track")
    assert [track.get("label") for track in tracks] == [course.label for course in courses(document)]
    for track in tracks:
        assert track.get("label") in listed
        frames = [int(box.attrib["frame"]) for box in track]
        assert frames == sorted(set(frames)) and all(0 <= frame < size for frame in frames)
        assert track[0].get("outside") == "0"
        for box in track:
            x1, y1, x2, y2 = (float(box.attrib[edge]) for edge in ("xtl", "ytl", "xbr", "ybr"))
            assert 0 <= x1 < x2 <= WIDTH and 0 <= y1 < y2 <= HEIGHT


def test_datumaro_reads_cvat_back(tmp_path: Path) -> None:
    datumaro = pytest.importorskip("datumaro", reason="Datumaro is heavy, and not among what the tests set up")
    export(sees([CAT], [CAT]), FORMATS["cvat"], tmp_path / "clip.xml", stem="clip")
    found = datumaro.Dataset.import_from(str(tmp_path / "clip.xml"), "cvat")
    [box] = next(item for item in found if item.id == "frame_000025").annotations
    assert box.points == [10, 20, 50, 80]


def test_label_studio_gets_tracks_in_percent_and_frames_from_1() -> None:
    files = exported(sees([CAT], [CAT], [DOG]), "labelstudio")
    [task] = files["video_tasks.json"]
    assert task["data"] == {"video": "/data/local-files/?d=clip_labelstudio/clip.mp4"}
    cat = task["predictions"][0]["result"][0]
    assert (cat["type"], cat["from_name"], cat["to_name"], cat["value"]["labels"]) == (
        "videorectangle",
        "box",
        "video",
        ["cat"],
    )
    first, second, third = cat["value"]["sequence"]
    assert first == {
        "frame": 1,
        "time": 0.0,
        "enabled": True,
        "x": 6.25,
        "y": 16.6667,
        "width": 25.0,
        "height": 50.0,
        "rotation": 0,
    }
    assert (second["frame"], second["time"], third["enabled"]) == (26, 1.0, False)
    config = files["video_config.xml"]
    assert config.find("Video").get("frameRate") == "25"
    assert [label.get("value") for label in config.iter("Label")] == ["cat", "dog"]


def test_label_studio_gets_pictures_where_they_will_lie() -> None:
    files = exported(sees([CAT], None, []), "labelstudio")
    with_cat, empty = files["picture_tasks.json"]
    assert with_cat["data"]["image"] == "/data/local-files/?d=clip_labelstudio/images/clip_000000.jpg"
    [region] = with_cat["predictions"][0]["result"]
    assert region["value"] == {
        "x": 6.25,
        "y": 16.6667,
        "width": 25.0,
        "height": 50.0,
        "rotation": 0,
        "rectanglelabels": ["cat"],
    }
    assert empty["predictions"][0]["result"] == []


def test_label_studio_counts_from_where_its_player_does() -> None:
    document = sees([], [], [CAT], [CAT])  # in pictures of 25 a second
    assert document.video.audio is not None
    early = replace(document.video, audio=replace(document.video.audio, start_s=-1.5))
    [task] = exported(replace(document, video=early), "labelstudio")["video_tasks.json"]
    value = task["predictions"][0]["result"][0]["value"]
    assert [moment["frame"] for moment in value["sequence"]] == [89, 113]  # 3.5 s and 4.5 s of its clock
    assert (value["duration"], value["framesCount"]) == (5.5, 137)


@pytest.mark.parametrize(("times", "rate"), [([0, 1, 2, 3, 5, 6, 7, 9, 10, 11], "30"), (range(10), "30")])
def test_label_studio_counts_at_the_rate_that_most_frames_have(tmp_path: Path, times: Sequence[int], rate: str) -> None:
    video = make_video(tmp_path / "clip.mp4", times=[Fraction(t, 30) for t in times], fps=Fraction(30))
    files = exported(sees([CAT]), "labelstudio", video=video)
    assert files["video_config.xml"].find("Video").get("frameRate") == rate


def test_label_studio_has_a_label_to_correct_with_where_nothing_was_found() -> None:
    files = exported(sees([], []), "labelstudio")
    for kind in ("video", "picture"):
        assert [label.get("value") for label in files[f"{kind}_config.xml"].iter("Label")] == ["object"]


def test_label_studio_serves_all_that_its_tasks_are_about(tmp_path: Path) -> None:
    """By the rules of its own source: a storage is a child of the root, and files are served below a storage."""
    (tmp_path / "far").mkdir()
    video = make_video(tmp_path / "far" / "my clip #1.MP4", frames=3)
    picture = tmp_path / "0.jpg"
    picture.write_bytes(b"picture")
    root = tmp_path / "output"
    root.mkdir()
    storage = root / "my clip #1_labelstudio"
    document = sees([CAT])
    document = replace(document, video=replace(document.video, path=str(video)))
    export(document, FORMATS["labelstudio"], storage, stem="my clip #1", video=video, pictures={0: picture})
    assert root in storage.parents
    for kind, original in (("video", video), ("image", picture)):
        tasks = json.loads((storage / f"{kind.replace('image', 'picture')}_tasks.json").read_bytes())
        url = urlsplit(tasks[0]["data"][kind])
        assert (url.path, url.fragment) == ("/data/local-files/", "")
        served = root / parse_qs(url.query)["d"][0]
        assert str(served.parent).startswith(str(storage))
        assert served.read_bytes() == original.read_bytes()
    export(document, FORMATS["labelstudio"], storage, stem="my clip #1", video=video, pictures={0: picture})


@given(documents())
def test_any_label_studio_task_fits_its_configuration(document: Document) -> None:
    files = exported(document, "labelstudio")
    for kind in ("video", "picture"):
        config = files[f"{kind}_config.xml"]
        tags = {element.get("name"): element for element in config.iter() if element.get("name")}
        labels = {label.get("value") for label in config.iter("Label")}
        for task in files[f"{kind}_tasks.json"]:
            for region in task["predictions"][0]["result"]:
                control = tags[region["from_name"]]
                assert control.tag.lower() == region["type"] and control.get("toName") == region["to_name"]
                assert set(region["value"].get("labels", region["value"].get("rectanglelabels"))) <= labels
                for moment in region["value"].get("sequence", [region["value"]]):
                    assert all(0 <= moment[edge] <= 100 for edge in ("x", "y", "width", "height"))


def test_fiftyone_gets_frames_with_objects_and_times_as_events(tmp_path: Path) -> None:
    video = make_video(tmp_path / "clip.mp4", frames=50)
    files = exported(sees([CAT], [CAT, DOG]), "fiftyone", video=video)
    assert files["manifest.json"]["index"] == [{"data": str(video), "labels": "labels/clip.json"}]
    labels = files["labels/clip.json"]
    assert list(labels["frames"]) == ["1", "26"]
    cat, dog = labels["frames"]["26"]["objects"]["objects"]
    assert (cat["label"], cat["confidence"], cat["index"], dog["index"]) == ("cat", 0.9, 1, 2)
    assert cat["bounding_box"] == {
        "top_left": {"x": pytest.approx(0.0625), "y": pytest.approx(1 / 6)},
        "bottom_right": {"x": pytest.approx(0.3125), "y": pytest.approx(2 / 3)},
    }
    speech = [event for event in labels["events"]["events"] if event["name"] == "speech"]
    assert [(event["label"], event["support"]) for event in speech] == [("Hello", {"ranges": "1-10"})]
    tracks = [event for event in labels["events"]["events"] if event["name"] == "tracks"]
    assert [(event["label"], event["support"]["ranges"]) for event in tracks] == [("cat 1", "1-26"), ("dog 2", "26-26")]


@pytest.mark.full
@given(documents())
def test_any_fiftyone_dataset_has_all_and_lies_in_the_video(document: Document) -> None:
    labels = exported(document, "fiftyone")["labels/clip.json"]
    assert len(labels["events"]["events"]) == len(marks(document))
    count = frame_numbers(document, None).count
    for event in labels["events"]["events"]:
        first, last = (int(edge) for edge in event["support"]["ranges"].split("-"))
        assert 1 <= first <= last <= count
    seen = {thing for _, boxed in looked_at(document) for thing in boxed}
    assert sum(len(frame["objects"]["objects"]) for frame in labels["frames"].values()) >= len(seen)


def test_fiftyones_own_importer_reads_it(tmp_path: Path) -> None:
    importers = pytest.importorskip(
        "fiftyone.utils.data.importers", reason="FiftyOne is heavy, and not among what the tests set up"
    )
    export(sees([CAT], [CAT]), FORMATS["fiftyone"], tmp_path / "clip_fiftyone", stem="clip")
    with importers.FiftyOneVideoLabelsDatasetImporter(str(tmp_path / "clip_fiftyone")) as importer:
        [(_, _, label, frames)] = list(importer)
    assert {"speech", "tracks", "scenes", "sounds"} == set(label)
    assert frames[26]["detections"].detections[0].label == "cat"


def test_a_picture_whose_frame_is_not_known_counts_by_its_time() -> None:
    document = sees([CAT])
    assert document.detections is not None
    [first] = document.detections
    late = replace(document, tracks=None, detections=[Detection(0, 0.2, None, first.objects)])
    assert [box.get("frame") for box in cvat_of(late).iter("box")] == ["5", "6"]
