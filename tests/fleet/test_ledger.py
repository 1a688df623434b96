"""What a stage of a video was charged over all its runs: each job once."""

from pathlib import Path

from framefleet.fleet.backends.base import Receipt
from framefleet.fleet.billing.usage import JobUsage
from framefleet.fleet.billing.usage_log import UsageLog
from framefleet.journal.store import Journal


def charge(ran_ms: float) -> JobUsage:
    return JobUsage(0.0, Receipt("w", 0, ran_ms))


def ledger(journal: Journal, began_s: float) -> UsageLog:
    return UsageLog(journal, "a video", "objects", "yolo x", began_s)


def test_a_job_that_two_runs_asked_after_is_charged_to_one_of_them(tmp_path: Path) -> None:
    """The first was killed when its charge was on the disk and its answer was not."""
    first, second = (Journal(tmp_path / "journal.sqlite3", owner=f"elsewhere:{n}:aa") for n in (1, 2))
    killed, resumed = ledger(first, 100.0), ledger(second, 160.0)
    killed.add("job 1", charge(1000))
    killed.add("job 2", charge(2000))
    first.beat()
    assert [(other.receipt.execution_ms, other.run_s) for other in resumed.others()] == [(1000, -60), (2000, -60)]
    resumed.add("job 2", charge(2000))
    assert [other.receipt.execution_ms for other in resumed.others()] == [1000]
    first.close()
    second.close()


def test_a_charge_that_cannot_be_read_costs_the_account_alone(tmp_path: Path) -> None:
    first, second = (Journal(tmp_path / "journal.sqlite3", owner=f"elsewhere:{n}:aa") for n in (1, 2))
    first.charge("yolo x", "job 1", source="a video", stage="objects", charge=b"{")
    first.beat()
    assert ledger(second, 0.0).others() == []
    first.close()
    second.close()
