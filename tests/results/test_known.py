"""Failed altogether, found nothing, and not asked for are three things."""

import pytest
from msgspec.structs import replace

from framefleet.results.query.availability import failed, known
from framefleet.schema.document import Document, FailureEntry
from framefleet.schema.objects import Detection
from tests.results.make import make_document

BROKE = [
    FailureEntry(stage=name, error=f"{name} broke", attempts=1) for name in ("objects", "speech", "sounds", "text")
]


def of(detections: list[Detection] | None, failures: list[FailureEntry]) -> Document:
    return replace(make_document(), detections=detections, transcription=None, sounds=None, failures=failures)


@pytest.mark.parametrize("part", ["transcription", "sounds", "text"])
def test_what_is_null_failed_if_a_failure_says_so(part: str) -> None:
    assert not known(of(None, BROKE), part)
    assert failed(of(None, BROKE), part) in {entry.error for entry in BROKE}
    assert failed(of(None, []), part) is None
    assert failed(make_document(), "transcription") is None, "it failed in part alone"


def test_pictures_failed_if_none_was_answered() -> None:
    lost, empty = Detection(0, 0.0, None, None), Detection(1, 1.0, 1.0, [])
    assert failed(of([lost, lost], BROKE), "detections") == "objects broke"
    assert failed(of([lost, empty], BROKE), "detections") is None
    assert failed(of([empty], []), "detections") is None
    assert known(of([], []), "detections")
    assert not known(of([lost], []), "detections")
    assert failed(of(None, []), "detections") is None
