"""The part of a plan that is answered already. Nothing is decoded, sent or written."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from framefleet.journal.look import answered, paid_for, piece_key, private_key
from framefleet.media.audio.reading import BY_CLOCK_AND_CHANNELS, is_heard_as_ever, may_be_heard_anew
from framefleet.media.types import MediaInfo
from framefleet.pipeline.plan import StagePlan, resized
from framefleet.stages.base import Needs


def identity_of(plan: StagePlan, media: MediaInfo) -> dict[str, Any]:
    """Return everything that the plan's answers depend on besides the video."""
    identity = plan.stage.identity(plan.options, plan.capabilities)
    if plan.stage.needs is Needs.AUDIO and plan.options.audio_channel is not None:
        identity = {**identity, "audio_channel": plan.options.audio_channel}
    if plan.stage.needs is Needs.PICTURES and not media.usual_track:
        identity = {**identity, "video_track": media.track}
    read_anew = media.pictures_read_anew if plan.stage.needs is Needs.PICTURES else media.sound_read_anew
    if read_anew:  # otherwise the keys stay those of older versions
        identity = {**identity, "read_anew": sorted(read_anew)}
    return identity


def piece_keys(plan: StagePlan, sha256: str, media: MediaInfo) -> dict[int, str]:
    """Return the journal's key of each piece of the plan, by the piece's index. `sha256` is the video file's."""
    identity = identity_of(plan, media)
    keys = {
        index: piece_key(sha256, f"{plan.backend} {plan.endpoint_id}", f"{plan.stage.name} {name}", identity)
        for item in plan.items
        for index, name in plan.stage.names(item).items()
    }
    return {index: private_key(plan.stage.name, key) for index, key in keys.items()} if plan.spec.private else keys


def asked_of(plan: StagePlan, media: MediaInfo) -> dict[str, Any]:
    """Return what a run asks by this plan, field by field, to tell later what has changed."""
    identity = identity_of(plan, media)
    own = identity.pop("own", {})
    asked = {"endpoint": f"{plan.backend} {plan.endpoint_id}", **identity, **own}
    if plan.chooser is not None:
        asked["model_name"] = plan.chooser.model_name(plan.options)  # of which the identity has a hash
    if plan.stage.needs is Needs.PICTURES and plan.spec.per_span is None:
        asked["fps"] = plan.options.fps
    return msgspec.to_builtins(asked)  # type: ignore[no-any-return]


def with_reading(media: MediaInfo, plans: Sequence[StagePlan], sha256: str, journal: Path) -> MediaInfo:
    """Return `media` with the reading version of its sound.

    Answers of older versions are valid if the sound is still decoded the same way. That is expensive to find out, so it
    is only checked if there are such answers; without any, the new version is used.
    """
    hears = [plan for plan in plans if plan.stage.needs is Needs.AUDIO]
    if not hears or not may_be_heard_anew(media):
        return media
    keys = [key for plan in hears for key in piece_keys(plan, sha256, media).values()]
    if paid_for(journal, keys) and is_heard_as_ever(media):
        return media
    return replace(media, sound_read_anew=(*media.sound_read_anew, BY_CLOCK_AND_CHANNELS))


def unanswered(plan: StagePlan, sha256: str, media: MediaInfo, journal: Path) -> StagePlan:
    """Return the part of the plan that the journal at this path has no answers to."""
    if plan.options.fresh:
        return plan
    keys = piece_keys(plan, sha256, media)
    known = answered(journal, list(keys.values()))
    if not known:
        return plan
    left = plan.stage.remaining(plan.items, {index for index, key in keys.items() if key in known}, plan.options)
    return resized(plan, left, media)
