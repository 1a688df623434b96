"""What a stage found that the page knows nothing of is on the timeline, in the search and with the scenes."""

from collections.abc import Callable

import msgspec

from framefleet.schema.results import FoundSpan, StageResult
from tests.browser.conftest import Report
from tests.browser.documents import bare, with_scenes
from tests.browser.test_lanes import lanes
from tests.browser.test_search import hits

Open = Callable[..., Report]


def found(*texts: tuple[float, float, str]) -> StageResult:
    spans = [FoundSpan(start_s=start_s, end_s=end_s, text=text) for start_s, end_s, text in texts]
    return StageResult(label="described", spans=spans)


def test_it_has_a_lane_its_hits_and_its_line(open_report: Open) -> None:
    whole = with_scenes(bare(), 2.0)
    described = found((2.0, 3.0, "A <b>red</b> bus"), (0.0, 2.0, "An empty street"))
    report = open_report(msgspec.structs.replace(whole, results={"describe": described, "mood": found()}))
    assert lanes(report) == ["scenes", "describe", "mood: nothing found"]
    report.page.locator("#tab-scenes").click()
    report.until(lambda: "described An empty street" in report.text("#shots"))
    assert "described A <b>red</b> bus" in report.text("#shots")
    (hit,) = hits(report, "RED", "described")
    assert hit.endswith("A <b>red</b> bus")
