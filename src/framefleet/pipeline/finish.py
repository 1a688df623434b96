"""How a fleet stage ends, with its answers merged into a result, and what is said of a run that ends early."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from framefleet.config.options import Options
from framefleet.errors import CancelledError, FrameFleetError, Interrupted, describe
from framefleet.fleet.billing.bill import Bill
from framefleet.fleet.billing.usage import JobUsage
from framefleet.fleet.execution.delivery import Failure
from framefleet.fleet.execution.dispatcher import Outcome
from framefleet.journal.store import Journal
from framefleet.logs import logger
from framefleet.media.audio.gaps import BRIEF_S, joined
from framefleet.media.types import ClipTime, MediaInfo
from framefleet.metrics import BusyTimer
from framefleet.pipeline.plan import StagePlan
from framefleet.pipeline.stage_run import StageRun
from framefleet.progress import Listener, Notice, StageDone
from framefleet.stages.base import Remembering

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class FinishedStage:
    """The outcome of one stage of the fleet. `result` is its merged result; None if merging failed.

    `asked` measures its requests, `in_hand` its payloads from the dispatcher's queue to their answers, and
    `prefiltering` the prefilter. `others` is what other runs on the video were charged.
    """

    plan: StagePlan
    outcome: Outcome
    result: Any
    asked: BusyTimer
    in_hand: BusyTimer
    prefiltering: BusyTimer
    others: Sequence[JobUsage] = ()


def finish(lane: StageRun, media: MediaInfo, journal: Journal, sha256: str) -> FinishedStage:
    outcome = lane.dispatcher.finish()
    outcome.held_s = lane.asker.held_s
    lane.asker.settle()
    if lane.asker.failed and outcome.fatal is None and outcome.answers:
        lane.listener(Notice(f"{lane.plan.stage.name}: {_in_vain(lane.asker.failed)}"))
    result = _merged(lane, outcome, media, journal, sha256)
    outcome.failures.extend([*lane.lost, *unheard(outcome, lane.plan.stage.name, lane.listener)])
    lane.listener(StageDone(lane.plan.stage.name))
    models = {answer.reply.model_id: answer.reply.model for answer in outcome.answers if answer.reply.model}
    if len(models) > 1:  # the endpoint's model was changed since the journal's answers, or is being changed
        named = ", ".join(f"{name} ({id[:8]}…)" for id, name in sorted(models.items()))
        lane.listener(
            Notice(f"{lane.plan.stage.name}: answers from different models: {named}; --fresh sends everything again")
        )
    return FinishedStage(
        plan=lane.plan,
        outcome=outcome,
        result=result,
        asked=lane.asker.meter,
        in_hand=lane.dispatcher.in_hand,
        prefiltering=lane.prefiltering,
        others=lane.ledger.others() if lane.ledger is not None else [],
    )


def _in_vain(failed: Counter[str]) -> str:
    """Return a message with the number of requests that failed but were billed, and their most frequent error."""
    (words, most), count = failed.most_common(1)[0], failed.total()
    requests, was = ("1 request", "was") if count == 1 else (f"{count} requests", "were")
    others = f" ({most} of them)" if most < count else ""
    return f"{requests} failed but {was} billed, and retried where possible; {words}{others}"


def unheard(outcome: Outcome, name: str, listener: Listener) -> list[Failure]:
    """Return failures for the gaps of answered clips: sound that could not be decoded, in this run or before.

    A gap too short to lose a word is only a notice.
    """
    facts = [fact for answer in outcome.answers for fact in answer.facts if isinstance(fact, ClipTime)]
    gaps = joined(gap for fact in facts for gap in fact.gaps)
    brief = [gap for gap in gaps if gap.span.length_s <= BRIEF_S]
    if brief:
        times = "" if len(brief) == 1 else f"{len(brief)} times, first "
        lost = f"at most {BRIEF_S:g} s of audio lost {times}at {brief[0].span.start_s:.2f} s ({brief[0].error})"
        listener(Notice(f"{name}: {lost}"))
    return [Failure((ClipTime(-1, gap.span),), gap.error, attempts=0) for gap in gaps if gap not in brief]


def _merged(lane: StageRun, outcome: Outcome, media: MediaInfo, journal: Journal, sha256: str) -> Any:
    """Return the stage's merged result; None if merging failed. The answers stay in the journal."""
    unanswered = [fact for failure in outcome.failures for fact in failure.facts]
    try:
        result = lane.plan.stage.merge(media, lane.plan.options, outcome.answers, unanswered)
        return _recalled(lane, result, journal, sha256, whole=not (unanswered or lane.lost or outcome.failures))
    except Exception as error:  # a failure of one stage must not lose the others' results
        log.warning("%s: cannot merge its answers", lane.plan.stage.name, exc_info=error)
        outcome.failures.append(Failure((), describe(error), attempts=0))
        lane.listener(Notice(f"{lane.plan.stage.name}: {describe(error)}"))
        return None


def _recalled(lane: StageRun, result: Any, journal: Journal, sha256: str, *, whole: bool) -> Any:
    """Return the result, with what the stage remembers of earlier runs on the video."""
    stage = lane.plan.stage
    if not isinstance(stage, Remembering):
        return result
    recalled = stage.recall(result, journal.recall(sha256, stage.name), lane.plan.options, whole=whole)
    journal.remember(sha256, stage.name, recalled.kept)
    for note in recalled.notes:
        lane.listener(Notice(f"{stage.name}: {note}"))
    return recalled.result


def ended(error: CancelledError, lanes: Sequence[StageRun], options: Options) -> CancelledError:
    """Return the error that a cancelled run ends with: its reason, and what is saved and spent until then.

    An error of another class, which a caller passed as reason, is returned as it is, with a note.
    """
    if type(error) not in {CancelledError, Interrupted}:
        note_cost(error, lanes, options)
        return error
    kept = ", ".join(_kept(lane) for lane in lanes if lane.plan.items)
    spent = [_spent(lane, options) for lane in lanes if lane.plan.capabilities.billed]
    again = "run the same command again" if isinstance(error, Interrupted) else "call it again"
    parts = [f"{kept} kept"] * bool(kept) + [f"about ${sum(spent):.4f} spent"] * bool(spent)
    whole = type(error)(": ".join([str(error), *(["; ".join(parts)] * bool(parts))]), hint=f"{again} to resume")
    whole.usd = sum(spent)
    return whole


def note_cost(error: FrameFleetError, lanes: Sequence[StageRun], options: Options) -> None:
    """Add a note with the cost so far to the error that ends a run, if any stage is billed."""
    paid = [lane for lane in lanes if lane.plan.capabilities.billed]
    charges = [charge for lane in paid for charge in list(lane.asker.charges)]
    if not paid:
        return
    usd, ran_s = sum(_spent(lane, options) for lane in paid), sum(c.receipt.execution_ms for c in charges) / 1000
    error.usd = usd
    jobs = "1 job" if len(charges) == 1 else f"{len(charges)} jobs"
    spent = f"about ${usd:.4f} spent on {jobs} ({ran_s:.1f} s)" if charges else "nothing spent"
    unheard = sum(lane.asker.unheard for lane in paid)
    error.add_note(f"{spent}, plus {unheard} more with unknown cost" if unheard else spent)


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
