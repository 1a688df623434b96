"""What stands still is paid for once a request, however many samples show it."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from framefleet.schema.document import Document
from tests.faults.world import World
from tests.media.make import make_video

pytestmark = pytest.mark.full

SLIDES = 4
SLIDE_S = 5


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four numbered pictures, each of them one frame that stays for five seconds."""
    path = tmp_path_factory.mktemp("slides") / "slides.mp4"
    times = [Fraction(SLIDE_S * number) for number in range(SLIDES)]
    return make_video(path, times=times, fps=Fraction(1, SLIDE_S), size=(128, 96))


def numbers(document: Document) -> list[int]:
    return [picture.objects[0].class_id for picture in document.detections or () if picture.objects]


@pytest.mark.parametrize(("batch_size", "asked"), [(20, SLIDES), (10, SLIDES), (4, 8), (1, 20)])
def test_a_slide_is_asked_about_once_a_request(
    world: Callable[..., World], slides: Path, batch_size: int, asked: int
) -> None:
    there = world()
    there.film = slides
    document = there.run(fps=1, batch_size=batch_size, stages=("objects",))
    assert numbers(document) == [second // SLIDE_S for second in range(SLIDES * SLIDE_S)]
    assert there.executions() == asked
    assert there.run(fps=1, stages=("objects",)).cost.usd == 0


def test_a_keyframe_is_asked_about_once_a_request(world: Callable[..., World], tmp_path: Path) -> None:
    there = world()
    options = {"g": "50", "keyint_min": "50", "sc_threshold": "0"}
    there.film = make_video(tmp_path / "gops.mp4", frames=200, fps=10, size=(128, 96), options=options)
    document = there.run(fps=2, batch_size=40, stages=("objects",), sampling="keyframes")
    assert set(numbers(document)) == {0, 50, 100, 150}
    assert len(numbers(document)) == 40
    assert there.executions() == 4
