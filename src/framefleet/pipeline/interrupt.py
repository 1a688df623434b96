"""What is told of a run that ends before it is done: what is kept, and what it has cost."""

from collections.abc import Sequence

from framefleet.config.options import Options
from framefleet.errors import CancelledError, FrameFleetError, Interrupted
from framefleet.fleet.billing.bill import Bill
from framefleet.pipeline.stage_run import StageRun


def ended(error: CancelledError, lanes: Sequence[StageRun], options: Options) -> CancelledError:
    """Return the error that a cancelled run ends with: the reason for it, and what came of the run until then.

    An error of the caller's own kind stays as it is, with a note.
    """
    if type(error) not in {CancelledError, Interrupted}:
        note_cost(error, lanes, options)
        return error
    kept = ", ".join(_kept(lane) for lane in lanes if lane.plan.items)
    spent = [_spent(lane, options) for lane in lanes if lane.plan.capabilities.billed]
    again = "run the same command again" if isinstance(error, Interrupted) else "ask for the same again"
    parts = [f"{kept} kept"] * bool(kept) + [f"about ${sum(spent):.4f} spent"] * bool(spent)
    return type(error)(f"{error}: {'; '.join([*parts, f'{again}: it goes on from here'])}")


def note_cost(error: FrameFleetError, lanes: Sequence[StageRun], options: Options) -> None:
    """Notes on the error that ends a run what was spent until then, where anything could be."""
    paid = [lane for lane in lanes if lane.plan.capabilities.billed]
    charges = [charge for lane in paid for charge in list(lane.asker.charges)]
    if not paid:
        return
    usd, ran_s = sum(_spent(lane, options) for lane in paid), sum(c.receipt.execution_ms for c in charges) / 1000
    jobs = "1 job" if len(charges) == 1 else f"{len(charges)} jobs"
    spent = f"about ${usd:.4f} spent, on {jobs} of {ran_s:.1f} s" if charges else "nothing spent"
    unheard = sum(lane.asker.unheard for lane in paid)
    error.add_note(f"{spent}, besides {unheard} more of which nobody could tell" if unheard else spent)


def _kept(lane: StageRun) -> str:
    plan = lane.plan
    answered = {fact.index for answer in lane.dispatcher.answers for fact in answer.facts}
    left = sum(item.units for item in plan.stage.remaining(plan.items, answered, plan.options))
    return f"{plan.stage.name} {plan.units - left:.0f} of {plan.units:.0f} {plan.stage.unit}"


def _spent(lane: StageRun, options: Options) -> float:
    bill = Bill(options.price, tariff=lane.plan.tariff)
    for charge in list(lane.asker.charges):
        bill.add(charge)
    return bill.usd
