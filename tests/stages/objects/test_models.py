"""Detectors of this machine by name: the one taken, its key, its size, and the remarks on it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from framefleet.config.endpoints import Fleet
from framefleet.config.options import Options
from framefleet.errors import SetupError, UsageError
from framefleet.fleet.backends.base import IN_PROCESS, JOB_QUEUE
from framefleet.models import fetch as fetching
from framefleet.models import file_sha256
from framefleet.models.catalog import CATALOG
from framefleet.pipeline.plan import plan_run
from framefleet.stages.base import ChoosesModel
from framefleet.stages.objects import models
from framefleet.stages.objects.stage import ObjectsStage

from .fetched import fetched_models
from .networks import ultralytics
from .test_stage import MEDIA, pictures

STAGE = ObjectsStage()


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    return fetched_models(tmp_path / "models", monkeypatch)


def key(options: Options) -> Mapping[str, Any]:
    found = STAGE.identity(options, IN_PROCESS)
    return {"model": found["model"], "imgsz": found["imgsz"]}


def test_every_name_is_in_the_catalog_with_one_file_of_its_name() -> None:
    assert set(models.PREFERRED) <= set(models.SIDE)
    assert all(list(CATALOG[name].files) == [f"{name}.onnx"] for name in models.SIDE)
    assert models.PREFERRED == ("d-fine-n", "yolox-tiny")
    assert models.PREFERRED in fetching.SET_UP
    assert isinstance(STAGE, ChoosesModel)


@pytest.mark.parametrize(
    ("there", "imgsz", "expected"),
    [
        ([], None, "yolov3-tiny"),
        (["yolox-tiny"], None, "yolox-tiny"),
        (["yolox-tiny", "d-fine-n"], None, "d-fine-n"),
        (["yolox-s", "d-fine-s"], None, "yolov3-tiny"),  # by name only
        (["yolox-tiny", "d-fine-n"], 416, "yolox-tiny"),
        (["yolox-tiny", "d-fine-n"], 320, "yolov3-tiny"),
    ],
)
def test_the_best_that_is_there_and_takes_the_size_is_the_default(
    fetched: Callable[[str], Path], there: list[str], imgsz: int | None, expected: str
) -> None:
    for name in there:
        fetched(name)
    options = Options(imgsz=imgsz)
    assert STAGE.model_name(options) == expected
    asked = STAGE.pack(pictures(1), MEDIA, options, IN_PROCESS).request
    assert (asked.model, asked.imgsz) == (None, imgsz or models.default_imgsz(expected))


def test_what_another_process_fetches_meanwhile_does_not_change_the_model_of_this_one(
    fetched: Callable[[str], Path],
) -> None:
    before = key(Options())
    fetched("d-fine-n")
    assert key(Options()) == before == {"model": None, "imgsz": 416}


def test_the_embedded_model_has_its_key_of_always_also_by_name(fetched: Callable[[str], Path]) -> None:
    fetched("d-fine-n")
    assert key(Options(yolo_model="yolov3-tiny")) == {"model": None, "imgsz": 416}
    assert key(Options(yolo_model="yolov3-tiny", imgsz=320)) == {"model": None, "imgsz": 320}


def test_a_fetched_model_has_its_sha256_as_key_whether_it_is_there_or_not(fetched: Callable[[str], Path]) -> None:
    sha256 = file_sha256(fetched("d-fine-n"))
    assert key(Options()) == key(Options(yolo_model="d-fine-n")) == {"model": sha256, "imgsz": 640}
    absent = next(iter(CATALOG["yolox-s"].files.values()))
    assert key(Options(yolo_model="yolox-s")) == {"model": absent, "imgsz": 640}


def test_a_file_has_its_content_as_key_and_an_endpoint_the_name(tmp_path: Path) -> None:
    path = ultralytics(tmp_path / "mine.onnx", [])
    assert key(Options(yolo_model=str(path))) == {"model": file_sha256(path), "imgsz": 640}
    there = STAGE.identity(Options(yolo_model="yolov3-tiny"), JOB_QUEUE)
    assert (there["model"], there["imgsz"]) == ("yolov3-tiny", 1280)
    assert STAGE.identity(Options(), JOB_QUEUE)["model"] is None


@pytest.mark.parametrize("name", ["d-fine-n", "yolox-tiny"])
def test_a_fetched_model_answers_by_its_name_and_size(fetched: Callable[[str], Path], name: str) -> None:
    fetched(name)
    handler = STAGE.open_handler(Options(yolo_model=name))
    probe = handler({"input": {"probe": True}})
    assert probe["model"] == name
    assert probe["model_id"] == key(Options(yolo_model=name))["model"]


def test_a_name_that_nobody_has_is_refused_with_the_names() -> None:
    with pytest.raises(UsageError, match="no such model") as refused:
        STAGE.plan(MEDIA, Options(yolo_model="yolo11m"), IN_PROCESS)
    assert all(name in str(refused.value) for name in (*models.SIDE, models.EMBEDDED))
    assert (refused.value.exit_code, refused.value.code) == (2, "unknown_model")


def test_a_size_that_the_named_model_does_not_take_is_refused() -> None:
    with pytest.raises(UsageError, match="--imgsz 1280: d-fine-s only takes 640"):
        STAGE.plan(MEDIA, Options(yolo_model="d-fine-s", imgsz=1280), IN_PROCESS)
    STAGE.plan(MEDIA, Options(yolo_model="d-fine-s", imgsz=640), IN_PROCESS)
    STAGE.plan(MEDIA, Options(yolo_model="d-fine-s", imgsz=1280), JOB_QUEUE)  # the worker's own matter


def test_a_larger_model_is_expected_to_take_longer(fetched: Callable[[str], Path]) -> None:
    assert STAGE.model_pace(Options()) == STAGE.pace(IN_PROCESS)
    assert set(models.COST) == set(models.SIDE)
    fetched("d-fine-n")
    planned, embedded = (
        plan_run(MEDIA, Options(stages=("objects",), yolo_model=name), Fleet()).fleet[0].estimate.seconds
        for name in ("d-fine-n", "yolov3-tiny")
    )
    assert planned == pytest.approx(4 * embedded)


def test_what_is_said_of_the_model(fetched: Callable[[str], Path]) -> None:
    assert str(STAGE.model_remark(Options())).startswith("as d-fine-n was not downloaded; for better results run: ")
    assert STAGE.model_remark(Options(imgsz=96)) == "as d-fine-n does not take --imgsz 96"
    assert STAGE.model_remark(Options(yolo_model="yolov3-tiny")) is None
    assert STAGE.model_remark(Options(yolo_model="yolox-s")) == "to be downloaded (36 MB)"
    fetched("d-fine-n")
    assert STAGE.model_remark(Options(yolo_model="d-fine-n")) is None
    assert STAGE.model_remark(Options(imgsz=96)) == "as d-fine-n does not take --imgsz 96"


def test_a_model_that_cannot_be_had_says_what_else_to_pass(
    fetched: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAMEFLEET_NO_FETCH", "1")
    monkeypatch.setattr(fetching, "urlopen", lambda *_, **__: pytest.fail("the network is used"))
    assert STAGE.lacks_model(Options(yolo_model="d-fine-s"))
    with pytest.raises(SetupError, match=r"--yolo-model d-fine-s: .*; pass the path of an \.onnx file") as failed:
        STAGE.fetch_model(Options(yolo_model="d-fine-s"), print)
    assert failed.value.code == "fetch_off"
    with pytest.raises(SetupError, match=r"framefleet\.models\.fetch d-fine-s"):
        STAGE.open_handler(Options(yolo_model="d-fine-s"))
