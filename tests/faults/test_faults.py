"""Whatever the service does, the document is the one of a run in which nothing went wrong."""

from collections.abc import Callable

import pytest

from framefleet.emulator.faults import Fault, Faults
from framefleet.schema.document import Document
from tests.conftest import full_but
from tests.faults.world import PICTURES, World, told

pytestmark = pytest.mark.full


def test_the_faultless_document_says_what_is_in_each_picture(faultless: Document) -> None:
    numbers = [picture.objects[0].class_id for picture in faultless.detections if picture.objects]
    assert numbers == list(range(PICTURES))
    assert faultless.failures == []


@pytest.mark.parametrize("fault", full_but([Fault.ERROR], Fault))
def test_each_fault_alone_at_thirty_percent(fault: Fault, world: Callable[..., World], faultless: Document) -> None:
    faults = Faults({fault: 0.3}, seed=7)
    document = world(faults=faults).run()
    assert told(document) == told(faultless)
    assert faults.struck[fault] > 0


@pytest.mark.full
def test_requests_that_are_held_until_they_are_answered(world: Callable[..., World], faultless: Document) -> None:
    there = world(faults=Faults(dict.fromkeys(Fault, 0.05), seed=3))
    assert told(there.run(runsync=True)) == told(faultless)


@pytest.mark.full
@pytest.mark.parametrize("seed", [1, 2])
def test_all_faults_at_once_at_five_percent_each(seed: int, world: Callable[..., World], faultless: Document) -> None:
    faults = Faults(dict.fromkeys(Fault, 0.05), seed=seed)
    document = world(faults=faults).run()
    assert told(document) == told(faultless)
    assert sum(faults.struck.values()) > 20
