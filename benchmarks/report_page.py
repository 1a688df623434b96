"""The report of two hours of video: size, loading time, memory, and how fast it seeks and zooms.

A generated document: 7,200 frames, 70,000 boxes, 20,000 words, 900 scenes. In headless Chromium, which draws on the
CPU; the video is 640 × 360 with a keyframe every 10 s. Medians of 5 new pages.

Usage: python benchmarks/report_page.py      (needs Chromium and the extra `browser`)
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from framefleet.models import file_sha256
from framefleet.outputs.report.make import make_report
from framefleet.schema.codec import encode
from record import record
from report_document import make_document

SECONDS, BOXES, WORDS = 7200, 71_500, 20_000  # objects leave the frame early: about 70,000 of these remain
TURNS = 5
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--enable-precise-memory-info"]  # fmt: skip

# When the page is ready, in milliseconds since its request.
WATCH = """new MutationObserver((_, watch) => {
  if (!document.documentElement?.dataset.ready) return;
  window.readyAt = performance.now();
  watch.disconnect();
}).observe(document, { attributes: true, subtree: true, attributeFilter: ["data-ready"] })"""

# Milliseconds from an input until its effect is drawn.
UNTIL = """([selector, attribute, act]) => new Promise((done) => {
  const element = document.querySelector(selector), before = element.getAttribute(attribute);
  const began = performance.now();
  new MutationObserver((_, watch) => {
    if (element.getAttribute(attribute) === before) return;
    watch.disconnect();
    done(performance.now() - began);
  }).observe(element, { attributes: true });
  const plot = document.getElementById("plot"), box = plot.getBoundingClientRect();
  const place = { clientY: box.top + 10, bubbles: true, cancelable: true, pointerType: "mouse", pointerId: 1 };
  const at = (share) => ({ ...place, clientX: box.left + share * box.width });
  if (act.seek) plot.dispatchEvent(new PointerEvent("pointerdown", at(act.seek)));
  if (act.zoom) plot.dispatchEvent(new WheelEvent("wheel", { ...at(0.4), deltaY: act.zoom, ctrlKey: true }));
  if (act.pan) plot.dispatchEvent(new WheelEvent("wheel", { ...at(0.4), deltaY: act.pan, shiftKey: true }));
  if (act.slide) {
    const slider = document.getElementById("least");
    slider.value = act.slide;
    slider.dispatchEvent(new Event("input"));
  }
  if (act.find) {
    const query = document.getElementById("query");
    query.value = act.find;
    query.dispatchEvent(new Event("input"));
    document.getElementById("found").offsetHeight; // laid out, too
    done(performance.now() - began);
  }
})"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        with_video, without = made(Path(scratch))
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        turns = [measured(browser, with_video) for _ in range(TURNS)]
        bare = [measured(browser, without) for _ in range(TURNS)]
        figures: dict[str, Any] = {"page_kB": round(with_video.stat().st_size / 1000)}
        figures |= {name: median(turns, name) for name in turns[0]}
        figures["seek_without_video_ms"] = median(bare, "seek_ms")
        figures["chromium"] = browser.version
        record("report_page", figures)


def made(folder: Path) -> tuple[Path, Path]:
    """Make the report with its video, and the same without one."""
    video = make_film(folder / "long film.mp4")
    document = make_document(SECONDS, BOXES, WORDS, sha256=file_sha256(video))
    count = sum(len(one.objects or ()) for one in document.detections or ())
    print(f"{count} boxes, {len(document.scenes or ())} scenes")
    path = folder / "long_results.json"
    path.write_bytes(encode(document))
    one = make_report(document, path, video=video, pictures=False).path
    return one, make_report(document, path, output=folder / "without.html", pictures=False).path


def make_film(path: Path) -> Path:
    """Write a video with one frame per second, each of another grey."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=1, options={"preset": "ultrafast", "g": "10"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number in range(SECONDS):
            picture = np.full((360, 640, 3), 30 + number % 180, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode(None))
    return path


def measured(browser: Browser, report: Path) -> dict[str, float]:
    """Return one page's figures, in milliseconds and megabytes."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.add_init_script(WATCH)
    page.goto(report.as_uri())
    page.wait_for_selector("html[data-ready]")
    page.wait_for_timeout(500)
    figures = {"ready_ms": page.evaluate("window.readyAt"), "heap_MB": heap(page)}
    for name, act, element, attribute in inputs():
        took = [page.evaluate(UNTIL, [element, attribute, one]) for one in act]
        figures[name] = statistics.median(took)
    figures["heap_after_MB"] = heap(page)
    page.close()
    return figures


def inputs() -> Iterator[tuple[str, list[dict[str, Any]], str, str]]:
    """Yield each figure's name, the inputs in sequence, and what changes when they are drawn."""
    yield "seek_ms", [{"seek": share} for share in (0.31, 0.77, 0.12, 0.55, 0.93)], "#overlay", "data-time"
    yield "zoom_frame_ms", [{"zoom": by} for by in (-200, -200, -300, 200, -300)], "#rows", "data-drawn"
    yield "pan_frame_ms", [{"pan": by} for by in (120, 300, -200, 500, -100)], "#rows", "data-drawn"
    yield "slider_ms", [{"slide": at} for at in (0.4, 0.5, 0.45, 0.6, 0.7)], "#rows", "data-drawn"
    yield "search_ms", [{"find": text} for text in ("per", "rst l", "item 4", "spe", "ca")], "#query", "aria-expanded"


def heap(page: Page) -> float:
    """Return the megabytes of JavaScript's heap, the page's elements and typed arrays, after garbage collection."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    found = session.send("Runtime.getHeapUsage")
    session.detach()
    return float(found["usedSize"] + found["embedderHeapUsedSize"] + found["backingStorageSize"]) / 1e6


def median(turns: list[dict[str, float]], name: str) -> float:
    return round(statistics.median(turn[name] for turn in turns), 1)


if __name__ == "__main__":
    main()
