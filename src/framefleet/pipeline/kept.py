"""Results of watching stages that are kept from one run on a video to the next: without them it is decoded again."""

import hashlib
from array import array
from typing import Any

import msgspec

from framefleet.journal.store import Journal
from framefleet.logs import logger
from framefleet.media.types import MediaInfo
from framefleet.pipeline.plan import WatchPlan
from framefleet.stages.client import Kept

log = logger(__name__)


class _Kept(msgspec.Struct):
    """A result, and the `order_key` of the frames that it was found in."""

    key: str
    result: msgspec.Raw


def order_key(plan: WatchPlan, media: MediaInfo) -> str | None:
    """Return a hash of all that the result depends on besides the video; None if it is not kept.

    These are the stage's version, the frames that it looks at, and how the file is read.
    """
    stage, order = plan.stage, plan.order
    if not isinstance(stage, Kept) or not order.samples:
        return None
    times = array("d", [sample.time_s for sample in order.samples]).tobytes()
    own = msgspec.to_builtins(plan.options.own.get(plan.spec.name))
    parts = [
        *(stage.version, hashlib.sha256(times).hexdigest(), msgspec.to_builtins(order.view), plan.options.decoding),
        *(own, media.track, sorted(media.pictures_read_anew), msgspec.to_builtins(media.parts)),
    ]
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


def recall(plan: WatchPlan, media: MediaInfo, sha256: str, journal: Journal) -> Any:
    """Return the result of an earlier run; None if there is none."""
    if plan.options.fresh:
        return None
    return read(plan, media, journal.recall(sha256, plan.spec.name))


def read(plan: WatchPlan, media: MediaInfo, value: bytes | None) -> Any:
    """Return the result in what the journal has; None if it is another order's, or another version's."""
    key = order_key(plan, media)
    if key is None or value is None:
        return None
    assert isinstance(plan.stage, Kept)
    try:
        kept = msgspec.json.decode(value, type=_Kept)
        return msgspec.json.decode(kept.result, type=plan.stage.kept_as) if kept.key == key else None
    except msgspec.MsgspecError as error:
        log.info("%s: its kept result cannot be read", plan.spec.name, exc_info=error)
        return None


def remember(plan: WatchPlan, media: MediaInfo, sha256: str, journal: Journal, result: Any) -> None:
    """Keep the result for the next run, if the stage keeps any."""
    if (key := order_key(plan, media)) is not None:
        kept = _Kept(key, msgspec.Raw(msgspec.json.encode(result)))
        journal.remember(sha256, plan.spec.name, msgspec.json.encode(kept))
