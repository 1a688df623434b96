"""Redaction looks with the finders that stages offer, chosen by the labels that they can find."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framefleet.config.options import Options
from framefleet.errors import SetupError, UsageError
from framefleet.media.files.probe import probe
from framefleet.outputs.redaction.look import open_finders
from framefleet.outputs.redaction.options import RedactOptions
from framefleet.outputs.redaction.redact import redact
from framefleet.stages.finding import Finder, FinderRequest
from framefleet.stages.registry import registered
from framefleet.stages.spec import Deriving, Finds, ResultKind, StageSpec
from tests.outputs.redaction.test_redact import Squares
from tests.outputs.render.squares import box_at, document_of, frames_of, squares
from tests.stages.objects.fetched import fetched_models
from tests.stages.objects.test_onnx import ANY_SIZE, constant_detector


def offering(name: str, *labels: str, asked: list[FinderRequest], missing: bool = False) -> StageSpec:
    """A stage with a finder of the lighter square under the first of its labels; `asked` gets what it is opened for."""

    def load(request: FinderRequest) -> Finder:
        if missing:
            raise SetupError("no model")
        asked.append(request)
        return Squares(labels[0])

    def derive() -> Any:
        raise AssertionError("the stage itself is not run")

    output: ResultKind[Any] = ResultKind(name, lambda _: (), list)
    return StageSpec(name=name, inputs=(), runs=Deriving(derive), output=output, finder=Finds(lambda _: labels, load))


@pytest.mark.full
def test_a_stage_from_outside_finds_what_is_hidden(tmp_path: Path) -> None:
    video, target, asked = squares(tmp_path / "v.mp4"), tmp_path / "hidden.mp4", list[FinderRequest]()
    with registered(offering("logos", "logo", "badge", asked=asked)):
        options = RedactOptions(labels=("logo",), style="box", long_side=320)
        made = redact(document_of(video, tracked=False), probe(video), target, options)
    media = probe(video)
    assert asked == [FinderRequest(labels=["logo"], width=media.width, height=media.height, long_side=320)]
    assert made.covered == made.frames == 50
    for time, (luma, _, _) in frames_of(target):
        x1, y1, x2, y2 = map(round, box_at(float(time)))
        assert luma[y1:y2, x1:x2].max() < 40, float(time)


def test_only_finders_of_what_is_hidden_are_loaded() -> None:
    asked: list[FinderRequest] = []
    with registered(offering("logos", "logo", asked=asked), offering("plates", "plate", asked=asked, missing=True)):
        assert len(open_finders(RedactOptions(), ["logo"], 128, 96)) == 1
        with pytest.raises(SetupError):
            open_finders(RedactOptions(), ["plate"], 128, 96)


def test_where_two_stages_find_a_label_both_look() -> None:
    asked: list[FinderRequest] = []
    with registered(offering("logos", "logo", asked=asked), offering("brands", "logo", "badge", asked=asked)):
        assert len(open_finders(RedactOptions(), ["badge", "logo"], 128, 96)) == 2
    assert [request.labels for request in asked] == [["logo"], ["badge", "logo"]]


def test_what_no_stage_finds_is_refused_with_everything_that_some_stage_does() -> None:
    with registered(offering("logos", "logo", "person", asked=[])), pytest.raises(UsageError) as refused:
        open_finders(RedactOptions(faces=True), ["person", "unicorn"], 128, 96)
    assert (refused.value.message, refused.value.code) == ("--blur unicorn: no local model detects it", "unknown_label")
    hint = str(refused.value.hint)
    assert hint.startswith("choose from faces, person, bicycle, car")
    assert hint.endswith(", toothbrush, logo")


def test_labels_are_found_by_the_detector_that_a_run_would_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched_models(tmp_path / "models", monkeypatch)("d-fine-n")
    (finder,) = open_finders(RedactOptions(), ["person"], 640, 480)
    ((found,),) = finder.find([np.zeros((480, 640, 3), np.uint8)])
    assert (found.label, [round(edge) for edge in found.box]) == ("person", [256, 144, 384, 336])


def test_a_detector_of_ones_own_finds_its_own_labels(tmp_path: Path) -> None:
    rows = [[320.0, 320.0, 64.0, 64.0, 0.9]]
    file = str(constant_detector(tmp_path / "plates.onnx", rows, shape=ANY_SIZE, names="{0: 'plate'}"))
    look = RedactOptions(models=Options(yolo_model=file))
    (finder,) = open_finders(look, ["plate"], 640, 640)
    ((found,),) = finder.find([np.zeros((640, 640, 3), np.uint8)])
    assert (found.label, found.box) == ("plate", (288.0, 288.0, 352.0, 352.0))
    with pytest.raises(UsageError) as refused:
        open_finders(look, ["person"], 640, 640)
    assert refused.value.hint == "choose from faces, plate"


def test_a_detector_that_is_not_there_is_refused_before_the_video_is_read() -> None:
    with pytest.raises(UsageError) as refused:
        open_finders(RedactOptions(models=Options(yolo_model="yolov99")), ["person"], 640, 640)
    assert refused.value.code == "unknown_model"
