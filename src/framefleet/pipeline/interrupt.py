"""What a person who interrupts a run is told: what is kept, and what it has cost."""

from collections.abc import Sequence

from framefleet.config import Options
from framefleet.errors import Interrupted
from framefleet.fleet.bill import Bill
from framefleet.pipeline.lane import Lane


def interrupted(lanes: Sequence[Lane], options: Options) -> Interrupted:
    """The error that ends the run; made before its lanes are ended."""
    kept = ", ".join(_kept(lane, options) for lane in lanes if lane.plan.items)
    spent = [_spent(lane, options) for lane in lanes if lane.plan.backend == "runpod"]
    parts = [f"{kept} kept"] * bool(kept) + [f"about ${sum(spent):.4f} spent"] * bool(spent)
    return Interrupted(f"interrupted: {'; '.join([*parts, 'run the same command again: it goes on from here'])}")


def _kept(lane: Lane, options: Options) -> str:
    plan = lane.plan
    answered = {fact.index for answer in lane.dispatcher.answers for fact in answer.facts}
    left = sum(item.units for item in plan.stage.without(plan.items, answered, options))
    return f"{plan.stage.name} {plan.units - left:.0f} of {plan.units:.0f} {plan.stage.unit}"


def _spent(lane: Lane, options: Options) -> float:
    bill = Bill(options.price, tariff=lane.plan.tariff)
    for charge in list(lane.asker.charges):
        bill.add(charge)
    return bill.usd
