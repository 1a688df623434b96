"""A small picture of each scene, for the page."""

import base64
from collections.abc import Sequence
from pathlib import Path

from framefleet.media.decode import decode_orders
from framefleet.media.info import Picture, Sample
from framefleet.media.order import JpegView, Order
from framefleet.media.probe import probe
from framefleet.progress import ItemDone, Listener, StageDone, StageStarted, silent
from framefleet.schema.scenes import SceneEntry
from framefleet.units import exact

MOST = 120
"""Scenes with a picture. Of more scenes they are picked evenly: a page shows a dozen at once."""
MOST_BYTES = 1_500_000
"""All JPEGs together; every second one goes until they fit."""
VIEW = JpegView(max_side=240, quality=72)
_NAME = "thumbnails"


def thumbnails(
    video: Path, scenes: Sequence[SceneEntry], listener: Listener = silent, *, track: int | None = None
) -> dict[int, str]:
    """A JPEG as base64 by the scene's index: what is on screen at `thumbnail_s`, 240 pixels at its longer side.

    `track` is that of pictures (None: the one that players take). A scene whose picture cannot be decoded has none.
    Raises `InputError` where the video cannot be opened.
    """
    picked = [scenes[i * len(scenes) // min(MOST, len(scenes))] for i in range(min(MOST, len(scenes)))]
    media = probe(video, video_track=track)
    if not picked or not media.has_video:
        return {}
    listener(StageStarted(_NAME, "local", total=0, units=len(picked), unit="frames"))
    made = {}
    samples = [Sample(scene.index, exact(scene.thumbnail_s)) for scene in picked]
    for number, (_, piece) in enumerate(decode_orders(media, [Order(samples, VIEW)])):
        listener(ItemDone(_NAME, number, units=1, found=0, seconds=0))
        if isinstance(piece, Picture):
            made[piece.at.index] = piece.jpeg
    listener(StageDone(_NAME))
    return {index: base64.b64encode(jpeg).decode() for index, jpeg in _fitting(made).items()}


def _fitting(jpegs: dict[int, bytes]) -> dict[int, bytes]:
    while sum(map(len, jpegs.values())) > MOST_BYTES:
        jpegs = dict(list(jpegs.items())[::2])
    return jpegs
