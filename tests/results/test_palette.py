"""One colour a label, and one palette for the page and the video."""

import json
import re
import shutil
import subprocess

import pytest
from msgspec.structs import replace

from framefleet.outputs.palette import (
    HUES,
    SHARES,
    colour,
    colours,
)
from framefleet.outputs.report.html import page
from framefleet.results.query.intervals import commonest
from framefleet.schema.objects import DetectedObject, Detection
from tests.results.make import make_document


def seen(index: int, *labels: str) -> Detection:
    objects = [DetectedObject(0, label, 0.5, (0.0, 0.0, 1.0, 1.0)) for label in labels]
    return Detection(index, float(index), float(index), objects)


def test_the_commonest_label_has_the_first_colour() -> None:
    detections = [seen(0, "cat"), Detection(1, 1.0, None, None), seen(2, "dog", "cup", "dog")]
    document = replace(make_document(), detections=detections)
    assert commonest(document) == ["dog", "cat", "cup"]
    assert colours(document) == {"dog": (0x3D, 0x9B, 0xFF), "cat": (0xFF, 0x8B, 0x3D), "cup": (0x2F, 0xC5, 0x8A)}
    assert commonest(replace(document, detections=None)) == []


def test_thirty_labels_have_thirty_colours_and_the_next_begin_again() -> None:
    many = len(HUES) * len(SHARES)
    assert len({colour(place) for place in range(many)}) == many
    assert colour(many) == colour(0)


@pytest.mark.full
@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_page_has_the_same_colours() -> None:
    script = re.findall(r"<script>(.*?)</script>", page({"lengths": {}}, ""), flags=re.S)[0]
    palette = re.search(r"^const \[HUES, SHARES\] = .*;$", script, flags=re.M)
    function = re.search(r"^function colourOf.*?^}", script, flags=re.M | re.S)
    assert palette and function
    program = f"{palette[0]}\n{function[0]}\nconsole.log(JSON.stringify([...Array(40).keys()].map(colourOf)))"
    done = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["rgb({} {} {})".format(*colour(place)) for place in range(40)]
