"""Whisper's threads do not spin while they wait."""

import os

import pytest

from framefleet.stages.speech.vad import silero
from framefleet.stages.speech.worker.model import let_threads_sleep


def test_threads_sleep_unless_the_user_wants_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    silero.__wrapped__()  # type: ignore[attr-defined]
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    let_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
