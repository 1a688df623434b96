"""What a run would have to do, and what has changed since the answers that the journal has. Nothing is written."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from framefleet.journal.look import answered, last_asked, recalled
from framefleet.media.types import MediaInfo
from framefleet.pipeline.kept import read, watched_key
from framefleet.pipeline.plan import RunPlan
from framefleet.pipeline.resume import asked_of, piece_keys, with_reading


class Change(msgspec.Struct, frozen=True):
    """A field of what is asked that differs from the last run's; null where it has none."""

    field: str
    was: Any
    now: Any


class Missing(msgspec.Struct, frozen=True):
    """How many answers of a stage are missing, and what changed since those that are there.

    Without a change, they never came: the stage was not run on this video, or not to its end.
    """

    stage: str
    missing: int
    because: list[Change]


def missing(plan: RunPlan, media: MediaInfo, sha256: str, journal: Path) -> list[Missing]:
    """Return a row for each stage whose answers or results are kept, in the order of the plan.

    A stage on another's spans is counted with the spans expected.
    """
    media = with_reading(media, plan.fleet, sha256, journal)
    rows = []
    for stage in plan.fleet:
        keys = set(piece_keys(stage, sha256, media).values())
        left = keys if stage.options.fresh else keys - answered(journal, list(keys))
        was = last_asked(journal, sha256, stage.stage.name) if left else None
        rows.append(Missing(stage.stage.name, len(left), changes(was, asked_of(stage, media)) if was else []))
    for watch in plan.watching:
        if watch.order.samples:
            result = read(watch.stage, watched_key(watch, media), recalled(journal, sha256, watch.spec.name))
            left_of = 0 if result is not None and not watch.options.fresh else len(watch.order.samples)
            rows.append(Missing(watch.spec.name, left_of, []))
    return sorted(rows, key=lambda row: plan.names.index(row.stage))


def changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """Return the fields that differ, in the order of their names."""
    fields = sorted(was.keys() | now.keys())
    return [Change(name, was.get(name), now.get(name)) for name in fields if was.get(name) != now.get(name)]
