"""Results of the client's stages that are kept from one run on a video to the next, which then need not decode it."""

import hashlib
from array import array
from collections.abc import Mapping
from typing import Any

import msgspec

from framefleet.config.options import Options
from framefleet.errors import OutputError
from framefleet.journal.store import Journal
from framefleet.logs import logger
from framefleet.media.types import MediaInfo
from framefleet.pipeline.plan import DerivePlan, WatchPlan
from framefleet.stages.client import Kept

log = logger(__name__)

_OF_NO_ACCOUNT = frozenset(
    {"output_dir", "journal", "stages", "price", "max_cost", "max_workers", "batch_size", "fresh", "verify"}
)
"""Options on which no result depends."""


class _KeptResult(msgspec.Struct):
    """A result, and the key of what it was made of."""

    key: str
    result: msgspec.Raw


class KeptResults:
    """The kept results of one video in the journal, one for each stage that keeps any (`Kept`)."""

    def __init__(self, journal: Journal, sha256: str) -> None:
        self._journal = journal
        self._sha256 = sha256

    def recall(self, stage: Any, key: str | None, options: Options) -> Any:
        """Return the result with this key; None if there is none."""
        if key is None or options.fresh:
            return None
        return read(stage, key, self._journal.recall(self._sha256, stage.name))

    def remember(self, stage: Any, key: str | None, result: Any) -> None:
        """Keep the result for the next run. A journal that cannot be written costs that alone."""
        if key is None:
            return
        value = msgspec.json.encode(_KeptResult(key, msgspec.Raw(msgspec.json.encode(result))))
        try:
            self._journal.remember(self._sha256, stage.name, value)
        except OutputError as error:
            log.warning("%s: its result is not kept", stage.name, exc_info=error)


def read(stage: Any, key: str | None, value: bytes | None) -> Any:
    """Return the result in what the journal has of the stage; None if that has another key."""
    if key is None or value is None:
        return None
    try:
        kept = msgspec.json.decode(value, type=_KeptResult)
        return msgspec.json.decode(kept.result, type=stage.kept_as) if kept.key == key else None
    except msgspec.MsgspecError as error:
        log.info("%s: its kept result cannot be read", stage.name, exc_info=error)
        return None


def watched_key(plan: WatchPlan, media: MediaInfo) -> str | None:
    """Return a hash of all that a watching stage's result depends on besides the video; None if it is not kept.

    These are the stage's version, the frames that it looks at, and how the file is read.
    """
    stage, order = plan.stage, plan.order
    if not isinstance(stage, Kept) or not order.samples:
        return None
    times = array("d", [sample.time_s for sample in order.samples]).tobytes()
    own = plan.options.own.get(plan.spec.name)
    return _key(stage, hashlib.sha256(times).hexdigest(), order.view, plan.options.decoding, own, *_reading(media))


def derived_key(plan: DerivePlan, media: MediaInfo, given: Mapping[str, Any]) -> str | None:
    """Return a hash of all that a deriving stage's result depends on; None if it is not kept.

    These are the stage's version, the results `given`, the options, and how the file is read.
    """
    if not isinstance(plan.stage, Kept):
        return None
    options = {
        name: part
        for name, part in msgspec.to_builtins(plan.options, enc_hook=str).items()
        if name not in _OF_NO_ACCOUNT
    }
    inputs = hashlib.sha256(msgspec.json.encode(given, order="deterministic")).hexdigest()
    return _key(plan.stage, inputs, options, media.width, media.height, media.duration_s, *_reading(media))


def _key(stage: Kept, *parts: Any) -> str:
    made_of = msgspec.json.encode([stage.version, *msgspec.to_builtins(parts, enc_hook=str)], order="sorted")
    return hashlib.sha256(made_of).hexdigest()


def _reading(media: MediaInfo) -> tuple[Any, ...]:
    return media.track, sorted(media.pictures_read_anew), media.parts
