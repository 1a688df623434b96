"""What the names after `--blur`, `--keep` and the others mean together."""

from typing import Any

import pytest

from framefleet.cli.options.redaction import redaction
from framefleet.errors import UsageError
from framefleet.outputs.redaction.options import RedactOptions, hidden
from framefleet.outputs.render.options import RenderOptions


def asked(**given: Any) -> RedactOptions | None:
    none: dict[str, Any] = {"blur": None, "keep": None, "mute": None, "as_box": False, "as_pixels": False}
    none |= {"long_side": 640, "every": 3, "originals": False, "yolo_model": None, "film": RenderOptions()}
    return redaction(**(none | given))


@pytest.mark.parametrize(
    ("texts", "meant"),
    [
        (["faces"], (True, (), ())),
        (["face", "person,car"], (True, ("person", "car"), ())),
        (["track:7,person", "track:12,track:7"], (False, ("person",), (7, 12))),
        (["traffic light"], (False, ("traffic light",), ())),
    ],
)
def test_faces_labels_and_tracks_are_told_apart(texts: list[str], meant: object) -> None:
    assert hidden(texts) == meant


@pytest.mark.parametrize("texts", [[], [" , "], ["track:x"], ["track:0"], ["track:"]])
def test_what_names_nothing_is_refused(texts: list[str]) -> None:
    with pytest.raises(UsageError):
        hidden(texts)


def test_without_anything_to_hide_there_is_no_redaction() -> None:
    assert asked() is None


def test_how_things_are_covered() -> None:
    def style(**given: Any) -> str:
        options = asked(blur=["faces"], **given)
        assert options is not None
        return options.style

    assert (style(), style(as_box=True), style(as_pixels=True)) == ("blur", "box", "pixelate")


@pytest.mark.parametrize(
    "given",
    [
        {"keep": ["track:3"]},
        {"as_box": True},
        {"originals": True},
        {"yolo_model": "yolox-s"},
        {"mute": ["Ada"], "as_pixels": True},
        {"blur": ["faces"], "as_box": True, "as_pixels": True},
        {"blur": ["faces"], "keep": ["person"]},
    ],
)
def test_options_that_do_not_go_together_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        asked(**given)
