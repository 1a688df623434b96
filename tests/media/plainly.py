"""Every sample by plain decoding, which whatever is faster must equal."""

import hashlib

import av

from framefleet.media.files.container import open_media
from framefleet.media.sampling import on_screen, plan_samples
from framefleet.media.types import Gap, Picture
from framefleet.media.video.packets import read_steps
from framefleet.media.video.request import FrameRequest, JpegView, PixelView
from framefleet.media.video.sequential import events, open_video
from framefleet.media.video.view import Views, wants_of


def orders_of(media, rates=("1", "3", "12.5")):
    """Orders at these rates, the second of them for pixels."""
    views = [JpegView(None, 90), PixelView(100), JpegView(None, 90)]
    return [
        FrameRequest(plan_samples(media.duration_s, rate), view) for rate, view in zip(rates, views, strict=False)
    ]  # fmt: skip


def plainly(media, orders):
    views = Views(media, {order.view for order in orders})
    with open_media(media.path) as container:
        video = open_video(media, container, threads=3)
        shown = events(media, video, read_steps(container, video))
        for want, time, frame in on_screen(shown, wants_of(orders)):
            yield want.order, views.piece(want, time, frame)


def told(pieces):
    """What each piece is, to compare: its order, index, time, and a checksum of its picture, or "gap"."""
    return [(number, *_told(piece)) for number, piece in pieces]


def _told(piece):
    if isinstance(piece, Gap):
        return piece.sample.index, None, "gap"
    data = piece.jpeg if isinstance(piece, Picture) else piece.rgb.tobytes()
    return piece.at.index, piece.at.pts_s, hashlib.md5(data).hexdigest()


def untouched(media, orders):
    """Every sample by PyAV alone: one decoder, one thread, every packet as the file has it."""
    views = Views(media, {order.view for order in orders})
    with av.open(str(media.path)) as container:
        video = container.streams.video[0]
        video.thread_count = 1
        shown = ((frame.pts * frame.time_base - media.start, frame) for frame in container.decode(video))
        for want, time, frame in on_screen(shown, wants_of(orders)):
            yield want.order, views.piece(want, time, frame)
