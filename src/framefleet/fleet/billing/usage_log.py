"""The usage of a video's jobs on one endpoint, kept in the journal, so that the cost over all its runs is known."""

from dataclasses import replace

import msgspec

from framefleet.errors import OutputError
from framefleet.fleet.billing.usage import JobUsage
from framefleet.journal.store import Journal
from framefleet.logs import logger
from framefleet.timebase import Seconds

log = logger(__name__)


class UsageLog:
    """The usage of one stage. `source` is the video's sha256, `began_s` when this run began, in seconds since 1970.

    If the journal cannot be used any more, only the usage of earlier runs is missing; `WorkClaims` reports that.
    """

    def __init__(self, journal: Journal, source: str, stage: str, endpoint: str, began_s: Seconds) -> None:
        self._journal = journal
        self._source = source
        self._stage = stage
        self._endpoint = endpoint
        self._began_s = began_s
        self._own: set[str] = set()

    def add(self, job_id: str, charge: JobUsage) -> None:
        """Keep a job's usage, once, however often it is added."""
        self._own.add(job_id)
        kept = msgspec.json.encode(replace(charge, run_s=self._began_s))
        self._journal.charge(self._endpoint, job_id, source=self._source, stage=self._stage, charge=kept)

    def others(self) -> list[JobUsage]:
        """Return the usage of other runs, earlier or concurrent, for jobs that this run has not added."""
        try:
            rows = self._journal.charges(self._endpoint, source=self._source, stage=self._stage)
            charges = [msgspec.json.decode(row, type=JobUsage) for job_id, row in rows if job_id not in self._own]
            return [replace(charge, run_s=charge.run_s - self._began_s) for charge in charges]
        except (OutputError, msgspec.MsgspecError) as error:
            log.info("%s: the usage of earlier runs is not known", self._stage, exc_info=error)
            return []
