"""The proof sheet: a page with each second's worst frame, to check before a video is published."""

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import TextIO

import simplejpeg
from av.video.frame import VideoFrame

from framefleet.outputs.redaction.covers import Worst

_LONG_SIDE = 480  # pixels: an hour's frames are about 80 MB
_QUALITY = 75

_STYLE = (
    "body{font:15px/1.4 system-ui,sans-serif;margin:1.5rem;background:#fff;color:#111}"
    "main{display:grid;grid-template-columns:repeat(auto-fill,minmax(20rem,1fr));gap:1rem}"
    "figure{margin:0;border:2px solid #ccc;padding:.4rem}figure.unsure{border-color:#b35900}"
    "img{width:100%;height:auto;display:block}strong{color:#8a4500}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#eee}strong{color:#ffb366}}"
)


class Proof:
    """The page, written frame by frame so that memory does not grow. `worst` are its frames, by time.

    `start_s` is when the first frame is shown on the video's own clock.
    """

    def __init__(self, path: Path, name: str, worst: Iterable[Worst], start_s: float, *, originals: bool) -> None:
        self._worst = {one.number: one for one in worst}
        self._start_s, self._originals = start_s, originals
        self.unsure = sum(bool(one.unsure) for one in self._worst.values())
        self._uncovered = b""
        self._file: TextIO = path.open("w", encoding="utf-8")
        self._file.write(_head(name, self._worst.values(), originals=originals))

    def before(self, number: int, frame: VideoFrame) -> None:
        """Take the `number`-th frame before it is covered. It is kept only with `originals`."""
        if self._originals and number in self._worst:
            self._uncovered = _jpeg(frame)

    def after(self, number: int, frame: VideoFrame) -> None:
        """Add the `number`-th frame, covered, if it is one of the worst."""
        if number in self._worst:
            pictures = [("covered", _jpeg(frame)), *([("original", self._uncovered)] if self._originals else [])]
            self._file.write(_figure(self._worst[number], self._start_s, pictures))

    def end(self) -> None:
        self._file.write("</main>\n</html>\n")
        self.close()

    def close(self) -> None:
        self._file.close()


def _head(name: str, worst: Iterable[Worst], *, originals: bool) -> str:
    some = list(worst)
    unsure = sum(bool(one.unsure) for one in some)
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    warning = "<p><strong>The originals are in this page: do not give it away.</strong></p>\n" if originals else ""
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        f"style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'\">\n"
        f"<title>Redaction of {escape(name)}</title>\n<style>{_STYLE}</style>\n<h1>Redaction of {escape(name)}</h1>\n"
        f"<p>The frame of each second whose covers are least sure: {len(some)} frames, {unsure} of them to be "
        "looked at with care. A detector finds most faces and objects, and never all: look through the video too.</p>\n"
        f"{warning}<main>\n"
    )


def _figure(worst: Worst, start_s: float, pictures: Iterable[tuple[str, bytes]]) -> str:
    facts = [f"{count} × {label}" for label, count in worst.counts.items()] or ["nothing found"]
    if worst.smallest is not None:
        facts.append(f"smallest {worst.smallest[0]} × {worst.smallest[1]} pixels")
    unsure = "".join(f"<br><strong>unsure: {escape(why)}</strong>" for why in worst.unsure)
    time_s = worst.time_s + start_s
    shown = "".join(
        f'<img alt="{kind}" src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}">' for kind, jpeg in pictures
    )
    kind = ' class="unsure"' if worst.unsure else ""
    caption = f"{int(time_s // 60)}:{time_s % 60:05.2f}, frame {worst.number}: {escape(', '.join(facts))}{unsure}"
    return f"<figure{kind}>{shown}<figcaption>{caption}</figcaption></figure>\n"


def _jpeg(frame: VideoFrame) -> bytes:
    gain = min(1.0, _LONG_SIDE / max(frame.width, frame.height))
    width, height = (max(2, round(side * gain)) for side in (frame.width, frame.height))
    rgb = frame.reformat(width, height, format="rgb24").to_ndarray()
    return bytes(simplejpeg.encode_jpeg(rgb, quality=_QUALITY))
