"""One stage's way through a run: its plan, its dispatcher, and the work that was lost before it got there."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from framefleet.fleet.asking import Asker
from framefleet.fleet.dispatch import Dispatcher
from framefleet.fleet.exchange import Failure
from framefleet.fleet.keep import Keeper
from framefleet.fleet.watch import Watch
from framefleet.media.info import Gap, Picture
from framefleet.pipeline.plan import StagePlan
from framefleet.progress import ItemFailed, Listener
from framefleet.stages.objects.plan import PictureBatch


@dataclass(slots=True)
class Lane:
    """`items` is what is left of the plan to be asked, and `watch` looks after an endpoint.

    `lost` is what failed before any request: what could not be decoded, or came after the stage had ended.
    """

    plan: StagePlan
    items: Sequence[Any]
    dispatcher: Dispatcher
    asker: Asker
    keeper: Keeper
    listener: Listener
    watch: Watch | None = None
    lost: list[Failure] = field(default_factory=list)

    def lose(self, number: int, facts: tuple[Any, ...], units: float, error: str) -> None:
        """Counts work that gets no answer, without asking for one."""
        self.lost.append(Failure(facts, error, attempts=0))
        self.listener(ItemFailed(self.plan.stage.name, number, units, error))


def assemble(
    batches: Iterable[PictureBatch], pictures: Iterable[Picture | Gap]
) -> Iterator[tuple[PictureBatch, list[Picture], list[Gap]]]:
    """Each batch with its pictures and gaps, as soon as its last sample has come. Both inputs are in time order.

    Samples that a stream ends without are gaps.
    """
    stream = iter(pictures)
    for batch in batches:
        got = [piece for _, piece in zip(batch.samples, stream, strict=False)]
        got += [Gap(sample, "the video ended before it") for sample in batch.samples[len(got) :]]
        yield batch, [p for p in got if isinstance(p, Picture)], [g for g in got if isinstance(g, Gap)]
