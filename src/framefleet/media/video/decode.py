"""Decoding of a video's samples in one pass, in order of time, in memory that does not grow with its length.

One thread reads the packets. If the codec and the stream allow it (`gop`), each GOP goes to one of as many decoders as
there are threads, which decode only what the samples need (`selective`); otherwise all of the video is decoded
(`sequential`). The frames are the same.
"""

import os
import queue
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Literal

from av.video.stream import VideoStream

from framefleet.logs import logger
from framefleet.media.files.container import open_media
from framefleet.media.sampling import on_screen
from framefleet.media.types import (
    Gap,
    MediaInfo,
    Picture,
    Sample,
)
from framefleet.media.video.gop import (
    MAX_BYTES,
    can_be_cut,
    entry_test,
    gop_windows,
    gops,
    may_lead,
)
from framefleet.media.video.packet import Step
from framefleet.media.video.packets import read_steps
from framefleet.media.video.parallel import Outlet, run_parallel
from framefleet.media.video.request import FrameRequest, JpegView, Pixels
from framefleet.media.video.selective import Piece, SparseDecoder, Trust
from framefleet.media.video.sequential import (
    Event,
    OnEndLost,
    events,
    frame_threads,
    gives_only_order,
    open_video,
)
from framefleet.media.video.view import (
    View,
    Views,
    Want,
    wants_of,
)
from framefleet.media.video.work import (
    DecodePlan,
    DecodeWork,
    FrameClock,
    keyframe_tasks,
)
from framefleet.schema.document import Crop
from framefleet.timebase import Seconds, seconds

log = logger(__name__)

Rest = tuple[Iterator[Step], Iterator[Want]]
"""Packets that are not decoded yet, and samples that are not served yet."""


def decode_orders(
    media: MediaInfo,
    orders: Sequence[FrameRequest],
    *,
    sampling: Literal["exact", "keyframes"] = "exact",
    threads: int | None = None,
    on_keyframe: Callable[[Seconds], None] | None = None,
    on_end_lost: OnEndLost = lambda *_: None,
) -> Iterator[Piece]:
    """Yield one piece for each sample of each of `orders`, all in order of time, from a single decode.

    A frame that serves several samples, or several requests with the same view, is converted once; other frames are not
    converted. A frame that is damaged, or that the file promises and the decoder does not return, is a `Gap`, never
    replaced by an older frame. The exception is the last 0.13 s or the last frame (of at most a second) of the file,
    which is reported to `on_end_lost`.

    Reads no further than the last sample needs. With "keyframes", each sample gets the nearest keyframe, and nothing
    else is decoded; `pts_s` is its time. `on_keyframe` is called with the time of each keyframe read, from packets
    alone and so before it is decoded. `threads` threads decode (default: one per core). Whatever the video's length, at
    most twice that many GOPs, 64 MiB of packets and 128 MiB of pieces are held.

    Raises `InputError` if the file can no longer be opened, and `UsageError` if a crop lies outside the frame.
    """
    threads = threads or os.cpu_count() or 1
    kinds = {order.view for order in orders}
    views = Views(media, kinds)
    wants = wants_of(orders)
    with open_media(media.path) as container:
        video = open_video(media, container, threads=frame_threads(threads))
        assert video.time_base is not None
        clock = FrameClock(video.time_base, media.start)
        steps = read_steps(container, video)
        if on_keyframe is not None:
            steps = _telling(steps, clock, on_keyframe)
        decoders = _Decoders(media, kinds, threads, on_end_lost)
        if sampling == "keyframes":
            yield from decoders.run(keyframe_tasks(steps, wants, clock), exact=False)
            return
        rest: Rest | None = (steps, wants)
        if can_be_cut(video.codec_context.codec) and not gives_only_order(video):
            rest = yield from _cut(decoders, video, clock, steps, wants)
        if rest is not None:
            log.info("decoding the rest sequentially: %s", media.path)
            steps, wants = rest
            yield from _whole(views, events(media, video, steps, on_end_lost), wants)


def _cut(
    decoders: "_Decoders", video: VideoStream, clock: FrameClock, steps: Iterator[Step], wants: Iterator[Want]
) -> Generator[Piece, None, Rest | None]:
    """Yield the pieces, GOP by GOP; return what is left if cutting is no longer worth it."""
    codec = video.codec_context.codec
    is_entry = entry_test(codec.canonical_name, video.codec_context.extradata or b"")
    parts = gops(steps, is_entry, stop=decoders.trust.is_lost, may_lead=may_lead(codec))
    tasks = DecodePlan(gop_windows(parts), wants, clock)
    yield from decoders.run(iter(tasks), exact=True)
    return tasks.rest


def _whole(views: Views, shown: Iterator[Event], wants: Iterator[Want]) -> Iterator[Piece]:
    """Yield the pieces, decoding all steps sequentially."""
    for want, time, frame in on_screen(shown, wants):
        yield want.order, views.piece(want, time, frame)


def _telling(steps: Iterable[Step], clock: FrameClock, on_keyframe: Callable[[Seconds], None]) -> Iterator[Step]:
    """Yield the same steps, after reporting the time of each keyframe among them."""
    for step in steps:
        packet = step[0]
        if packet.is_keyframe and packet.pts is not None and not packet.is_discard:
            on_keyframe(seconds(clock.time(packet.pts)))
        yield step


class _Decoders:
    """The selective decoders of one file, created as needed, at most `threads`."""

    def __init__(self, media: MediaInfo, views: set[View], threads: int, on_end_lost: OnEndLost) -> None:
        self.trust = Trust()
        self._media = media
        self._views = views
        self._threads = threads
        self._on_end_lost = on_end_lost
        self._made: list[SparseDecoder] = []
        self._idle: queue.SimpleQueue[SparseDecoder] = queue.SimpleQueue()

    def run(self, tasks: Iterator[DecodeWork], *, exact: bool) -> Iterator[Piece]:
        """Yield the pieces of all tasks, in their order."""

        def work(task: DecodeWork, outlet: Outlet[Piece]) -> None:
            decoder = self._idle_one()
            try:
                for piece in decoder.exact(task) if exact else decoder.keyframe(task):
                    outlet.put(piece, _size(piece))
            finally:
                self._idle.put(decoder)

        try:
            yield from run_parallel(
                tasks, work, threads=self._threads, size_of=lambda task: task.size, max_size=MAX_BYTES
            )
        finally:
            for decoder in self._made:
                decoder.close()

    def _idle_one(self) -> SparseDecoder:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            decoder = SparseDecoder(
                self._media,
                self._views,
                self.trust,
                plain_threads=frame_threads(self._threads),
                on_end_lost=self._on_end_lost,
            )
            self._made.append(decoder)
            return decoder


def _size(piece: Piece) -> int:
    """Return the bytes of memory that the piece takes until it is consumed."""
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
    """Yield the pieces of a single request for JPEG frames; see `decode_orders`."""
    order = FrameRequest(samples, JpegView(max_side, jpeg_quality, crop))
    for _, piece in decode_orders(media, [order]):
        assert not isinstance(piece, Pixels)
        yield piece
