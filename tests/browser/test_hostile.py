"""What a label, a word, a text or a name may hold is text, whatever it looks like."""

from collections.abc import Callable

import msgspec
import pytest

from framefleet.schema.document import FailureEntry
from framefleet.schema.sounds import SoundEvent, Sounds
from framefleet.schema.text import TextResult, TextSpan
from tests.browser.conftest import Report
from tests.browser.documents import bare, said, seen, with_scenes
from tests.results.make import make_document

Open = Callable[..., Report]
BOX = (40.0, 60.0, 100.0, 140.0)

HOSTILE = {
    "element": "<img src=x onerror=\"window.pwned=1;document.title='pwned'\">",
    "script ends": "</script><script>window.pwned=1</script>",
    "comment": "<!--<script>",
    "placeholder": "{{script}} {{head}}",
    "long": "w" * 20_000,
    "right to left": "\u202eevil \u05e9\u05dc\u05d5\u05dd \u200f",
    "emoji": "👩\u200d👩\u200d👧 🇩🇪",
    "controls": "nul\x00bell\x07escape\x1b[31m",
    "lines": "one\u2028two\u2029three\nfour",
    "names of objects": "__proto__",
    "quotes": "\"'`&amp;&lt;",
    "empty": "",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_text_everywhere_does_nothing(open_report: Open, text: str) -> None:
    made = make_document()
    document = bare(
        detections=seen([(text, 0.9, BOX), ("cat", 0.8, BOX)], [(text, 0.9, BOX)], [], []),
        transcription=said((0.5, text), (2.0, f"and {text} again")),
        sounds=Sounds(0.3, [SoundEvent(text, 1, 1.5, 2.5, 0.9, 0.8)]),
        text=TextResult([TextSpan(text, 0.0, 4.0, BOX, 0.9, 1)], 4, 0, 0),
        failures=[FailureEntry(stage=text, items=[1, 2], error=text, attempts=1)],
        provenance=msgspec.structs.replace(made.provenance, platform=text),
        timing=msgspec.structs.replace(made.timing, bottleneck=text, advice=text),
        config=msgspec.structs.replace(bare().config, sampling=text),
    )
    document = msgspec.structs.replace(document, video=msgspec.structs.replace(document.video, path=text or "."))
    report = open_report(with_scenes(document, 1.5), width=400)
    page = report.page
    page.locator("#query").fill(text[:40] or "again")
    page.keyboard.press("Escape")
    page.locator("#tab-scenes").click()
    report.seek(1.0)
    assert report.drawn["boxes"] == 1
    plot = page.locator("#plot").bounding_box()
    page.mouse.move(plot["x"] + 20, plot["y"] + 50)
    assert page.evaluate("window.pwned ?? null") is None
    assert "pwned" not in page.title() or "<img" in page.title()
    assert page.evaluate("document.querySelectorAll('img[src=x], .utterance script').length") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_a_hostile_text_is_shown_as_it_is(open_report: Open) -> None:
    report = open_report(bare(detections=seen([("<b>bold</b>", 0.9, BOX)]), transcription=said((0.5, "<i>x</i>"))))
    assert "<b>bold</b>" in report.text("#filters")
    assert report.text(".utterance p") == "<i>x</i>"
