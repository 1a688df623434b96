"""Who takes the pictures: nothing is lost, nothing doubled, whatever comes and whenever it ends."""

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from framefleet.cancel import CancelScope
from framefleet.errors import FrameFleetError
from framefleet.media.types import (
    Gap,
    Picture,
    PictureTime,
    Sample,
)
from framefleet.media.video.request import FrameRequest, JpegView
from framefleet.pipeline.consumers import ENDED, BatchConsumer, WatchConsumer
from framefleet.pipeline.coverage import UndecodedSpans
from framefleet.progress import ItemFailed
from framefleet.stages.batches import PictureBatch
from framefleet.timebase import Span


def batches_of(sizes: list[int]) -> list[PictureBatch]:
    """Batches of these sizes over the samples 0, 1, 2, …"""
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    return [
        PictureBatch(number, tuple(Sample(index, Fraction(index)) for index in range(start, start + size)))
        for number, (start, size) in enumerate(zip(starts, sizes, strict=True))
    ]


class FakeLane:
    """Notes what is handed on and what is lost."""

    def __init__(self, sizes: list[int]) -> None:
        self.items = batches_of(sizes)
        self.asked: list[tuple[int, list[int]]] = []
        self.lost: dict[int, str] = {}
        self.dispatcher: Any = SimpleNamespace(put=self._put)
        self.scope = CancelScope()

    def _put(self, number: int, pictures: list[Picture], units: float) -> None:
        assert units == len(pictures)
        self.asked.append((number, [picture.at.index for picture in pictures]))

    def filter(self, piece: Any) -> Any:
        return piece

    def lose(self, number: int, facts: tuple[PictureTime, ...], units: float, error: str) -> None:
        assert units == len(facts)
        for fact in facts:
            assert fact.index not in self.lost
            self.lost[fact.index] = error


def piece(index: int, damaged: bool) -> Picture | Gap:
    sample = Sample(index, Fraction(index))
    return Gap(sample, "damaged") if damaged else Picture(PictureTime(index, index, index), b"jpeg")


def consumer_of(lane: Any) -> BatchConsumer:
    return BatchConsumer(lane, FrameRequest([s for batch in lane.items for s in batch.samples], JpegView(None, 90)))


@given(sizes=st.lists(st.integers(1, 6), max_size=8), data=st.data())
def test_every_sample_is_asked_about_in_its_batch_or_lost_once(sizes: list[int], data: st.DataObject) -> None:
    """Whatever mix of pictures and gaps comes, also when the stream ends too soon."""
    lane = FakeLane(sizes)
    length = data.draw(st.integers(0, sum(sizes)))
    damaged = data.draw(st.sets(st.integers(0, max(0, length - 1))))
    consumer = consumer_of(lane)
    for index in range(length):
        consumer.take(piece(index, index in damaged))
    consumer.close("the file is gone")
    asked = [index for _, indices in lane.asked for index in indices]
    assert sorted([*asked, *lane.lost]) == list(range(sum(sizes)))
    batch_of = {sample.index: batch.number for batch in lane.items for sample in batch.samples}
    assert all(batch_of[index] == number for number, indices in lane.asked for index in indices)
    for index, error in lane.lost.items():
        assert error == ("damaged" if index in damaged and index < length else "the file is gone")
    assert consumer.over


def test_a_batch_is_on_its_way_as_soon_as_it_is_whole() -> None:
    lane = FakeLane([2, 3, 1])
    consumer = consumer_of(lane)
    seen = []
    for index in range(6):
        consumer.take(piece(index, damaged=False))
        seen.append(len(lane.asked))
    assert seen == [0, 1, 1, 1, 2, 3]


def test_a_stage_that_has_ended_loses_the_rest_for_its_own_reason() -> None:
    lane = FakeLane([2, 2])
    consumer = consumer_of(lane)
    consumer.take(piece(0, damaged=False))
    lane.scope.cancel(FrameFleetError("wrong key"))
    assert consumer.over
    consumer.close(ENDED)
    assert lane.asked == []
    assert lane.lost == dict.fromkeys(range(4), "wrong key")


@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=5), data=st.data())
def test_what_breaks_on_the_way_loses_what_follows_and_nothing_before(sizes: list[int], data: st.DataObject) -> None:
    lane, total = FakeLane(sizes), sum(sizes)
    breaks_at = data.draw(st.integers(0, total - 1))

    def filtered(piece: Picture) -> Picture:
        if piece.at.index == breaks_at:
            raise ValueError("it broke")
        return piece

    lane.filter = filtered  # type: ignore[method-assign]
    consumer = consumer_of(lane)
    for index in range(total):
        consumer.take(piece(index, damaged=False))
    assert consumer.over
    consumer.close(ENDED)
    assert [index for _, indices in lane.asked for index in indices] == list(range(breaks_at))
    assert lane.lost == dict.fromkeys(range(breaks_at, total), "a fault of this program: ValueError: it broke")


def test_pictures_that_are_only_looked_at_are_not_asked_about() -> None:
    lane, looked_at = FakeLane([2]), []

    def filtered(piece: Picture) -> Picture:
        looked_at.append(piece.at.index)
        return piece

    lane.filter = filtered  # type: ignore[method-assign]
    lane.items = [PictureBatch(0, (Sample(3, Fraction(3)), Sample(5, Fraction(5))))]
    consumer = BatchConsumer(lane, FrameRequest([Sample(i, Fraction(i)) for i in (2, 3, 4, 5)], JpegView(None, 90)))  # type: ignore[arg-type]
    for index in (2, 3, 4, 5):
        consumer.take(piece(index, damaged=False))
    assert looked_at == [2, 3, 4, 5]
    assert lane.asked == [(0, [3, 5])]


class Watcher:
    """Counts what it sees, and breaks at the `breaks_at`-th."""

    def __init__(self, breaks_at: int | None = None) -> None:
        self.seen = 0
        self.breaks_at = breaks_at

    def see(self, _: Any) -> None:
        self.seen += 1
        if self.seen == self.breaks_at:
            raise ValueError("it broke")

    def finish(self) -> int:
        return self.seen


def watching(watcher: Watcher, count: int) -> tuple[WatchConsumer, list[Any]]:
    events: list[Any] = []
    order = FrameRequest([Sample(index, Fraction(index)) for index in range(count)], JpegView(None, 90))
    return WatchConsumer("scenes", order, watcher, events.append), events


def test_a_watching_stage_sees_all_and_tells_how_far_it_is() -> None:
    consumer, events = watching(Watcher(), 120)
    for index in range(120):
        consumer.take(piece(index, damaged=False))
    consumer.close(ENDED)
    assert consumer.result() == 120
    assert sum(getattr(event, "units", 0) for event in events[1:]) == 120


def test_what_breaks_in_a_watching_stage_ends_it_alone() -> None:
    consumer, events = watching(Watcher(breaks_at=3), 10)
    for index in range(10):
        consumer.take(piece(index, damaged=False))
    consumer.close(ENDED)
    assert consumer.over
    assert consumer.result() is None
    assert consumer.error == "a fault of this program: ValueError: it broke"
    assert sum(isinstance(event, ItemFailed) for event in events) == 1


def test_a_watching_stage_says_which_stretches_it_did_not_see() -> None:
    consumer, _ = watching(Watcher(), 6)
    for index in range(6):
        consumer.take(piece(index, damaged=index in (1, 2, 5)))
    consumer.close(ENDED)
    assert consumer.missed.stretches == [(Span(1, 3), "damaged"), (Span(5, 6), "damaged")]
    assert consumer.meter.done == 3
    assert consumer.error is None


def test_a_watching_stage_that_saw_nothing_has_failed() -> None:
    consumer, _ = watching(Watcher(), 3)
    for index in range(3):
        consumer.take(piece(index, damaged=True))
    consumer.close(ENDED)
    assert consumer.error == "damaged"
    assert consumer.result() is None


@given(missing=st.dictionaries(st.integers(0, 30), st.sampled_from("ab")))
def test_missed_stretches_hold_each_missing_picture_once(missing: dict[int, str]) -> None:
    missed = UndecodedSpans([Sample(index, Fraction(index, 2)) for index in range(31)])
    for place in sorted(missing):
        missed.add(place, missing[place])
    held = {
        place: error
        for span, error in missed.stretches
        for place in range(31)
        if span.start_s <= place / 2 < span.end_s
    }
    assert held == missing
    assert missed.all == (len(missing) == 31)
