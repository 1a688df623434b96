"""python scripts/report_screenshots.py RESULT.json VIDEO [FOLDER]: screenshots of a result's report, for docs/images.

Three widths, reduced to 256 colours. Needs Chromium and the packages of requirements/develop.txt.
"""

import argparse
import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from framefleet.outputs.report.make import make_report
from framefleet.schema.codec import read_document

ROOT = Path(__file__).parents[1]
SIZES = {400: (400, 800, "light"), 1280: (1280, 1000, "dark"), 2560: (2560, 1400, "light")}
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", type=Path)
    parser.add_argument("video", type=Path)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "docs" / "images")
    parser.add_argument("--at", type=float, default=13.4, help="seconds")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        video = Path(shutil.copy(args.video, scratch))
        report = make_report(read_document(args.result), args.result, output=Path(scratch, "r.html"), video=video)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        for width, (wide, high, scheme) in SIZES.items():
            page = browser.new_page(viewport={"width": wide, "height": high}, color_scheme=scheme)
            shoot(page, report.path, args.at, args.folder / f"report-{width}.png")
            page.close()


def shoot(page: Page, report: Path, at: float, to: Path) -> None:
    """Take a screenshot of the whole page at `at` seconds of the video."""
    page.goto(report.as_uri())
    page.wait_for_selector("html[data-ready]")
    page.evaluate("at => { document.querySelector('#video').currentTime = at }", at)
    page.wait_for_selector(f"#overlay[data-time='{at:.3f}']")
    if page.viewport_size["width"] == 1280:
        page.click("#tab-scenes")
    high = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": page.viewport_size["width"], "height": high})  # parts out of view are not drawn
    page.wait_for_timeout(300)  # thumbnails are decoded asynchronously
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    picture.quantize(256, dither=Image.Dither.NONE).save(to, optimize=True)
    print(f"{to}: {to.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
