"""A real Chromium, without a network, on pages as `framefleet report` writes them."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from framefleet.outputs.report.make import make_report
from framefleet.schema.document import Document
from tests.browser.documents import of_video
from tests.results.make import write_document

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"]  # fmt: skip
PATIENCE_S = 30.0  # what does not come about by then, on however busy a machine, never will


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.full)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One for each module, and none left behind: while it lives, asyncio in other tests would find a loop running."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright: scripts/test sets it up")
    found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    if not any(found):
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=next(filter(None, found)), args=ARGUMENTS)
        yield browser
        browser.close()


class Report:
    """A page that is open, and what a person would do with it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.asked: list[str] = []
        page.on(
            "console", lambda line: self.complaints.append(line.text) if line.type in {"error", "warning"} else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    def text(self, selector: str) -> str:
        return str(self.page.locator(selector).inner_text())

    @property
    def drawn(self) -> dict[str, Any]:
        """What is on the picture: `time`, `boxes` and `state`."""
        data = self.page.locator("#overlay").evaluate("canvas => ({...canvas.dataset})")
        return {"time": float(data["time"]), "boxes": int(data["boxes"]), "state": data["state"]}

    def until(self, right: Callable[[], Any], what: str = "it") -> None:
        """Waits until that is so."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if right():
                return
            time.sleep(0.02)
        raise AssertionError(f"{what} never came about; last drawn: {self.drawn}")

    def at(self, seconds: float, within: float = 0.06) -> None:
        """Waits until what is drawn is of that time."""
        self.until(lambda: abs(self.drawn["time"] - seconds) <= within, f"{seconds} s")

    def seek(self, seconds: float) -> None:
        """By a click on the timeline."""
        plot = self.page.locator("#plot")
        box = plot.bounding_box()
        last = float(plot.get_attribute("aria-valuemax"))
        plot.click(position={"x": seconds / last * box["width"], "y": 10})
        self.at(seconds, within=1.5 * last / box["width"])

    def pixels(self, selector: str) -> NDArray[np.uint8]:
        """A picture of what is seen there: (height, width, 3), RGB."""
        png = np.frombuffer(self.page.locator(selector).screenshot(), np.uint8)
        return cv2.imdecode(png, cv2.IMREAD_COLOR)[:, :, ::-1]  # type: ignore[return-value]

    def outline(self) -> tuple[float, float, float, float]:
        """Where the one box on the overlay is, its lines' middle, as shares of the picture: x1, y1, x2, y2."""
        found = self.page.evaluate(OUTLINE)
        return tuple(found)


# The outermost coloured pixels on a line through the lower part, and on one through the right: the tag is elsewhere.
OUTLINE = """() => {
  const canvas = document.getElementById("overlay"), [w, h] = [canvas.width, canvas.height];
  const copy = new OffscreenCanvas(w, h).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const data = copy.getImageData(0, 0, w, h).data;
  const on = (x, y) => data[4 * (y * w + x) + 3] > 200 && data[4 * (y * w + x)] + data[4 * (y * w + x) + 2] > 120;
  let bottom = -1, right = -1;
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) if (on(x, y)) [bottom, right] = [Math.max(bottom, y), Math.max(right, x)];
  }
  const row = bottom - 12, column = right - 12;
  let left = w, top = h, last = 0, low = 0;
  for (let x = 0; x < w; x++) if (on(x, row)) { left = Math.min(left, x); last = x; }
  for (let y = 0; y < h; y++) if (on(column, y)) { top = Math.min(top, y); low = y; }
  return [(left + 1) / w, (top + 1) / h, last / w, low / h];
}"""

# The share of the overlay that is drawn on.
PAINTED = """() => {
  const canvas = document.getElementById("overlay"), [w, h] = [canvas.width, canvas.height];
  const data = canvas.getContext("2d").getImageData(0, 0, w, h).data;
  let painted = 0;
  for (let i = 3; i < data.length; i += 4) painted += data[i] > 0;
  return painted / (w * h);
}"""


@pytest.fixture
def open_file(chromium: Any) -> Iterator[Callable[..., Report]]:
    """`open_file(path, width=…)`: the page in it, open. Whatever a test does, it has nothing to complain of."""
    contexts, pages = [], []

    def show(path: Path, *, width: int = 1280, height: int = 1000, scheme: str = "light") -> Report:
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, offline=True)
        context.set_default_timeout(PATIENCE_S * 1000)
        contexts.append(context)
        page = Report(context.new_page())
        pages.append(page)
        page.page.goto(path.as_uri())
        page.page.wait_for_selector("html[data-ready]")
        return page

    yield show
    complaints = [complaint for page in pages for complaint in page.complaints]
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def open_report(open_file: Callable[..., Report], tmp_path: Path) -> Callable[..., Report]:
    """`open_report(document, video)`: its report, open; or the one at `path`."""

    def show(document: Document, video: Path | None = None, *, path: Path | None = None, **look: Any) -> Report:
        if path is None:
            path = tmp_path / "clip_results.json"
            document = of_video(document, video) if video else document
            write_document(document, path)
            path = make_report(document, path, video=video).path
        return open_file(path, **look)

    return show
