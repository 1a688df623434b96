"""What of a plan is answered already. Nothing is decoded, asked or written."""

from pathlib import Path

from framefleet.config import Options
from framefleet.journal.keys import piece_key
from framefleet.journal.look import answered
from framefleet.media.info import MediaInfo
from framefleet.pipeline.plan import StagePlan, sized
from framefleet.stages.base import Needs


def piece_keys(plan: StagePlan, sha256: str, media: MediaInfo, options: Options) -> dict[int, str]:
    """The journal's key of each piece of the plan, by the piece's index. `sha256` is of the video file."""
    identity = plan.stage.identity(options, plan.backend)
    read_anew = media.pictures_read_anew if plan.stage.needs is Needs.PICTURES else media.sound_read_anew
    if read_anew:  # else the keys are those of versions that knew nothing of this
        identity = {**identity, "read_anew": sorted(read_anew)}
    return {
        index: piece_key(sha256, f"{plan.backend} {plan.endpoint_id}", f"{plan.stage.name} {name}", identity)
        for item in plan.items
        for index, name in plan.stage.names(item).items()
    }


def unanswered(plan: StagePlan, sha256: str, media: MediaInfo, options: Options, journal: Path) -> StagePlan:
    """As much of the plan as the journal at this path has no answers to."""
    if options.fresh:
        return plan
    keys = piece_keys(plan, sha256, media, options)
    known = answered(journal, list(keys.values()))
    if not known:
        return plan
    left = plan.stage.without(plan.items, {index for index, key in keys.items() if key in known}, options)
    return sized(plan.stage, plan.backend, plan.endpoint_id, left, media, options)
