"""What a video's work on one endpoint was charged, kept in the journal, so that its cost is known over all its runs."""

from dataclasses import replace

import msgspec

from framefleet.errors import OutputError
from framefleet.fleet.billing.usage import JobUsage
from framefleet.journal.store import Journal
from framefleet.logs import logger
from framefleet.timebase import Seconds

log = logger(__name__)


class UsageLog:
    """One stage's, of one run. `source` is the video's sha256, `began_s` when this run began, in seconds since 1970.

    A journal that cannot be used any more costs the account of earlier runs, and nothing else: who asks says so.
    """

    def __init__(self, journal: Journal, source: str, stage: str, endpoint: str, began_s: Seconds) -> None:
        self._journal = journal
        self._source = source
        self._stage = stage
        self._endpoint = endpoint
        self._began_s = began_s
        self._own: set[str] = set()

    def add(self, job_id: str, charge: JobUsage) -> None:
        """Keeps what a job was charged, once, however many ask after it."""
        self._own.add(job_id)
        kept = msgspec.json.encode(replace(charge, run_s=self._began_s))
        self._journal.charge(self._endpoint, job_id, source=self._source, stage=self._stage, charge=kept)

    def others(self) -> list[JobUsage]:
        """What other runs were charged, before this one and beside it, for jobs that this one has not asked after."""
        try:
            rows = self._journal.charges(self._endpoint, source=self._source, stage=self._stage)
            charges = [msgspec.json.decode(row, type=JobUsage) for job_id, row in rows if job_id not in self._own]
            return [replace(charge, run_s=charge.run_s - self._began_s) for charge in charges]
        except (OutputError, msgspec.MsgspecError) as error:
            log.info("%s: what earlier runs were charged is not known", self._stage, exc_info=error)
            return []
