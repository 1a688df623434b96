"""Sounds as columns. Pure."""

from collections import Counter
from typing import Any

import msgspec

from framefleet.results.report.columns import Numbers, rounded, whole
from framefleet.schema.sounds import Sounds

_LONGEST_S = 1e9


def heard_columns(sounds: Sounds | None) -> tuple[dict[str, Any] | None, dict[str, Numbers]]:
    """Labels, the one heard longest first, and each event's label, time and score."""
    if sounds is None:
        return None, {}
    lasted: Counter[str] = Counter()
    for event in sounds.events:
        lasted[event.label] += round(1000 * min(max(event.end_s - event.start_s, 0.0), _LONGEST_S))
    labels = {label: place for place, (label, _) in enumerate(lasted.most_common())}
    named = {
        "eventLabel": whole([labels[event.label] for event in sounds.events]),
        "eventStart": whole([event.start_s for event in sounds.events], 1000),
        "eventLong": whole([event.end_s - event.start_s for event in sounds.events], 1000),
        "eventScore": rounded([event.score for event in sounds.events]),
    }
    return {"labels": list(labels), "skipped": msgspec.to_builtins(sounds.skipped)}, named
