"""Text is read however it lies, and the document says how."""

from typing import Any

import numpy as np
import pytest

from framefleet.stages.text.worker.engines import open_engine
from framefleet.stages.text.worker.handler import TextHandler, make_handler

from .pictures import Rgb, job, jpeg, plate, write

pytest.importorskip("rapidocr", reason="comes with framefleet[text]")
pytestmark = pytest.mark.full

WORDS = "EXIT GATE 12"


@pytest.fixture(scope="module")
def handler() -> TextHandler:
    return make_handler(open_engine())


def lying(turns: int, text: str = WORDS) -> Rgb:
    """The words on a sheet that was turned so many quarters to the left."""
    return np.rot90(write(plate(520, 360, shade=240), text, (60, 120), 1.6, shade=20), turns)


def only_line(handler: TextHandler, picture: Rgb) -> dict[str, Any]:
    height, width = picture.shape[:2]
    reply = handler(job(jpeg(picture), source_width=width, source_height=height))
    (line,) = reply["frames"][0]["lines"]
    return line


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("text", [WORDS, "PLEASE WAIT HERE", "Service room B7"])
def test_text_that_is_turned_is_read_and_where_it_begins_is_told(handler: TextHandler, turns: int, text: str) -> None:
    line = only_line(handler, lying(turns, text))
    assert line["text"] == text
    assert line["confidence"] > 0.9
    assert (line["quad"] is None) == (turns == 0)
    if turns:
        (x, y), (along_x, along_y), *_ = line["quad"]
        assert np.degrees(np.arctan2(y - along_y, along_x - x)) % 360 == pytest.approx(90 * turns, abs=3)
    left, top, right, bottom = line["box"]
    assert (right - left > bottom - top) == (turns % 2 == 0)


def test_turned_lines_beside_straight_ones_are_each_read_their_way(handler: TextHandler) -> None:
    page = plate(1100, 560, shade=240)
    for number, turns in enumerate((0, 2)):
        page[280 * number : 280 * number + 280, :520] = lying(turns)[:280] if turns == 0 else lying(turns)[-280:]
    page[20:540, 640:840] = np.ascontiguousarray(lying(1))[:, 60:260]
    page[20:540, 880:1080] = np.ascontiguousarray(lying(3))[:, 100:300]
    reply = handler(job(jpeg(page), source_width=1100, source_height=560))
    assert [line["text"] for line in reply["frames"][0]["lines"]] == [WORDS] * 4
