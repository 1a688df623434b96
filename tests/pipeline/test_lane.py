"""Batches and what was decoded for them: nothing is lost, nothing doubled."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from framefleet.media.info import Gap, Picture, PictureTime, Sample
from framefleet.pipeline.lane import assemble
from framefleet.stages.objects.plan import PictureBatch


def batches_of(sizes: list[int]) -> list[PictureBatch]:
    """Batches of these sizes over the samples 0, 1, 2, …"""
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    return [
        PictureBatch(number, tuple(Sample(index, Fraction(index)) for index in range(start, start + size)))
        for number, (start, size) in enumerate(zip(starts, sizes, strict=True))
    ]


@given(sizes=st.lists(st.integers(1, 6), max_size=8), data=st.data())
def test_every_sample_comes_once_in_its_own_batch(sizes: list[int], data: st.DataObject) -> None:
    """Whatever mix of pictures and gaps comes, also when the stream ends too soon."""
    batches = batches_of(sizes)
    length = data.draw(st.integers(0, sum(sizes)))
    damaged = data.draw(st.sets(st.integers(0, max(0, length - 1))))
    stream = [
        Gap(Sample(i, Fraction(i)), "damaged") if i in damaged else Picture(PictureTime(i, i, i), b"jpeg")
        for i in range(length)
    ]
    done = list(assemble(batches, stream))
    assert [batch for batch, _, _ in done] == batches
    for batch, pictures, gaps in done:
        indices = [picture.at.index for picture in pictures] + [gap.sample.index for gap in gaps]
        assert sorted(indices) == [sample.index for sample in batch.samples]
        for gap in gaps:
            assert gap.error == ("damaged" if gap.sample.index < length else "the video ended before it")
    assert [p for _, pictures, _ in done for p in pictures] == [p for p in stream if isinstance(p, Picture)]


def test_a_batch_is_on_its_way_before_the_next_is_decoded() -> None:
    decoded: list[int] = []

    def stream():
        for index in range(6):
            decoded.append(index)
            yield Picture(PictureTime(index, index, index), b"jpeg")

    seen = [(batch.number, len(decoded)) for batch, _, _ in assemble(batches_of([2, 3, 1]), stream())]
    assert seen == [(0, 2), (1, 5), (2, 6)]
