"""A client with short waits between attempts, so that minutes become seconds, and the parts that must not change.

`python fleet_impatient.py run VIDEO …` is the command with the same short waits.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import msgspec

from framefleet.fleet.execution.retry import RetryPolicy
from framefleet.schema.document import Document

_QUICK = partial(RetryPolicy, first_wait_s=0.01, longest_wait_s=0.1)
_INSTEAD = {
    "framefleet.pipeline.assembly.RetryPolicy": _QUICK,
    "framefleet.pipeline.run.RetryPolicy": _QUICK,
    "framefleet.fleet.execution.concurrency.FIRST_HOLD_S": 0.002,
    "framefleet.fleet.execution.concurrency.LONGEST_HOLD_S": 0.02,
    "framefleet.fleet.backends.runpod.backend.FRESH_S": 0.3,  # the service's own waits are scaled by its clock
    "framefleet.fleet.backends.runpod.backend.LONGEST_S": 0.05,
    "framefleet.journal.owner.LEASE_S": 1.0,
    "framefleet.journal.owner.BEAT_S": 0.2,
    "framefleet.journal.store.BEAT_S": 0.2,
}
SERVICE_SCALE = 5.0


@contextmanager
def impatient() -> Iterator[None]:
    with ExitStack() as stack:
        for name, value in _INSTEAD.items():
            stack.enter_context(patch(name, value))
        yield


def told(document: Document) -> dict[str, Any]:
    """Return the parts of a document that must not depend on faults during the run."""
    built: dict[str, Any] = msgspec.to_builtins(document)
    return {name: value for name, value in built.items() if name not in {"cost", "timing", "provenance", "config"}}


if __name__ == "__main__":
    from framefleet.cli import main

    with impatient():
        main()
