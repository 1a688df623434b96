"""Sampled pictures of a video, in one pass, in the order of time, in memory that does not grow with its length.

One thread reads the packets. Where the codec and the stream allow (`stretch`), each group of pictures is handed to one
of as many decoders as there are threads (`sparse`), which decode what the samples need; elsewhere all is decoded
plainly (`plain`). The pictures are the same.
"""

import os
import queue
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

from framefleet.config import Crop
from framefleet.media.container import open_media
from framefleet.media.info import Gap, MediaInfo, Picture, Sample
from framefleet.media.order import JpegView, Order, Pixels
from framefleet.media.packets import read_steps
from framefleet.media.plain import events, frame_threads, gives_only_order, open_video
from framefleet.media.sample import on_screen
from framefleet.media.sparse import Piece, SparseDecoder, Trust
from framefleet.media.spread import Outlet, spread
from framefleet.media.step import Step
from framefleet.media.stretch import MAX_BYTES, SPLITTABLE, Tail, entry_test, stretches, windows
from framefleet.media.task import Clock, Task, Tasks, keyframe_tasks
from framefleet.media.view import View, Views, wants_of
from framefleet.units import Seconds, seconds


def decode_orders(
    media: MediaInfo,
    orders: Sequence[Order],
    *,
    sampling: Literal["exact", "keyframes"] = "exact",
    threads: int | None = None,
    on_keyframe: Callable[[Seconds], None] | None = None,
) -> Iterator[Piece]:
    """One decode for all `orders`: one piece for each sample of each, all in the order of time.

    A frame that serves several samples, or several orders of the same view, is converted once; frames that serve none
    are not converted. A frame that is damaged, or that the file promised and the decoder never gave, is a `Gap`, never
    an older frame in its place. Reads no further than the last sample needs. With "keyframes" each sample gets the
    keyframe nearest to it, and nothing else is decoded; `pts_s` tells its time.
    `on_keyframe` is told the time of each keyframe read, from packets alone and thus before it is decoded.
    `threads` decode (as many as there are cores). Whatever the video's length, at most twice that many groups of
    pictures, 64 MiB of packets and 128 MiB of pieces wait.
    Raises `InputError` if the file cannot be opened any more, `UsageError` if a crop lies outside the picture.
    """
    threads = threads or os.cpu_count() or 1
    views = {order.view for order in orders}
    wants = wants_of(orders)
    made = Views(media, views)
    with open_media(media.path) as container:
        video = open_video(media, container, threads=frame_threads(threads))
        assert video.time_base is not None
        clock = Clock(video.time_base, media.start)
        only_order = gives_only_order(media, container)
        steps = read_steps(container, video)
        if on_keyframe is not None:
            steps = _telling(steps, clock, on_keyframe)
        if sampling == "keyframes":
            yield from _side_by_side(media, views, keyframe_tasks(steps, wants, clock), threads, Trust(), exact=False)
            return
        trust = Trust()
        is_entry = entry_test(media.codec, video.codec_context.extradata or b"")
        parts = stretches(steps, is_entry, stop=trust.is_lost)
        splits = media.codec in SPLITTABLE and not only_order
        tasks = Tasks(windows(parts) if splits else iter([Tail(None, steps)]), wants, clock)
        yield from _side_by_side(media, views, iter(tasks), threads, trust, exact=True)
        if tasks.rest is not None:
            shown = events(media, video, tasks.rest[0], only_order=only_order)
            for want, time, frame in on_screen(shown, tasks.rest[1]):
                yield want.order, made.piece(want, time, frame)


def _telling(steps: Iterable[Step], clock: Clock, on_keyframe: Callable[[Seconds], None]) -> Iterator[Step]:
    """The same steps, once the time of a keyframe among them is told."""
    for step in steps:
        packet = step[0]
        if packet.is_keyframe and packet.pts is not None and not packet.is_discard:
            on_keyframe(seconds(clock.time(packet.pts)))
        yield step


def _side_by_side(
    media: MediaInfo, views: set[View], tasks: Iterator[Task], threads: int, trust: Trust, *, exact: bool
) -> Iterator[Piece]:
    """The pieces of all tasks, made by as many decoders as are needed, `threads` at most."""
    made: list[SparseDecoder] = []
    idle: queue.SimpleQueue[SparseDecoder] = queue.SimpleQueue()

    def work(task: Task, outlet: Outlet[Piece]) -> None:
        try:
            decoder = idle.get_nowait()
        except queue.Empty:
            decoder = SparseDecoder(media, views, trust, plain_threads=frame_threads(threads))
            made.append(decoder)
        try:
            for piece in decoder.exact(task) if exact else decoder.keyframe(task):
                outlet.put(piece, _size(piece))
        finally:
            idle.put(decoder)

    try:
        yield from spread(tasks, work, threads=threads, size_of=lambda task: task.size, max_size=MAX_BYTES)
    finally:
        for decoder in made:
            decoder.close()


def _size(piece: Piece) -> int:
    """What waits in memory until somebody takes it, in bytes."""
    match piece[1]:
        case Picture(jpeg=jpeg):
            return len(jpeg)
        case Pixels(rgb=rgb):
            return rgb.nbytes
    return 0


def decode_pictures(
    media: MediaInfo,
    samples: Sequence[Sample],
    *,
    max_side: int | None,
    jpeg_quality: int,
    crop: Crop | None,
) -> Iterator[Picture | Gap]:
    """`decode_orders` for one order of JPEG pictures."""
    order = Order(samples, JpegView(max_side, jpeg_quality, crop))
    for _, piece in decode_orders(media, [order]):
        assert not isinstance(piece, Pixels)
        yield piece
