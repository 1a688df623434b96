"""The faults, their rates, and when they strike: the same seed and requests give the same faults.

A decision depends on the seed, the request's content and how often it was seen, never on the order in which requests
of many clients arrive.
"""

import math
import random
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

from framefleet.errors import UsageError


class Fault(StrEnum):
    # of any HTTP request
    TOO_MANY = "429"
    ERROR = "500"
    BAD_GATEWAY = "502"
    DROP_BEFORE = "drop_before"  # the connection is cut before the request is executed
    DROP_AFTER = "drop_after"  # the request is executed, and the connection is cut without a response
    GARBAGE = "garbage"  # the request is executed, and the response is garbage
    FORBIDDEN = "403"  # a proxy's page, in the place of a job's status
    PORTAL = "portal"  # a login page with status 200
    ODD = "odd"  # the envelope of the answer is not as documented
    # of a job
    FRESH = "fresh"  # `status` does not know it for a moment
    SLOW = "slow"  # takes `slow_factor` times as long
    TWICE = "twice"  # is executed twice
    LOST = "lost"  # is accepted, never executed, and then unknown
    STUCK = "stuck"  # is reported as running for ever, and no worker has it
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    KILLED = "killed"  # its worker dies: the job goes back to the queue, or is lost
    NO_OUTPUT = "no_output"
    HALF = "half"  # COMPLETED with half of its frames
    TOO_LARGE = "too_large"  # as if the result were over the limit


OF_REQUESTS = tuple(Fault)[: tuple(Fault).index(Fault.FRESH)]
OF_JOBS = tuple(Fault)[len(OF_REQUESTS) :]
ENDINGS = OF_JOBS[OF_JOBS.index(Fault.LOST) :]  # a job has at most one of these
UNHARMED: frozenset[Fault] = frozenset()

_GARBAGE = (
    b"<html><body>Bad Gateway</body></html>",
    b'{"id": "',
    b"[]",
    b'{"id": 7, "status": {}}',
    b"\xff\xfe\x00",
    b"",
)


PAGE = b"<!DOCTYPE html><html><head><title>Please log in</title></head><body></body></html>"
_ODD = (
    b', "executionTime": "120", "delayTime": "7"',
    b', "executionTime": -5, "workerId": 7',
    b', "executionTime": null, "delayTime": null, "workerId": null',
    b', "novel": NaN',
    b', "novel": "\\ud800"',
    b', "novel": ' + b"[" * 10_000 + b"]" * 10_000,
)


class Faults:
    """The faults by their `rates`, from 0 to 1. `slow_workers` is how many of an endpoint's workers are always slow."""

    def __init__(
        self,
        rates: Mapping[Fault, float] | None = None,
        seed: int = 0,
        *,
        slow_factor: float = 10.0,
        slow_workers: int = 0,
    ) -> None:
        self.rates = {Fault(fault): rate for fault, rate in (rates or {}).items() if rate}
        self.seed = seed
        self.slow_factor = slow_factor
        self.slow_workers = slow_workers
        self.struck: Counter[Fault] = Counter()
        self._seen: Counter[str] = Counter()

    @classmethod
    def parse(cls, text: str) -> "Faults":
        """Return the faults from `429=0.05,lost=0.1,seed=1` or `all=0.05`; also `slow_factor=10`, `slow_workers=2`.

        Raises `UsageError` for any other text.
        """
        given = dict(_pair(part) for part in text.split(",") if part.strip())
        seed, slow_workers = int(given.pop("seed", 0)), int(given.pop("slow_workers", 0))
        slow_factor, everywhere = given.pop("slow_factor", 10.0), given.pop("all", 0.0)
        rates = {fault: given.pop(fault, everywhere) for fault in Fault}
        if given:
            raise UsageError(f"--faults: no fault {next(iter(given))!r}", hint=f"choose from all, {', '.join(Fault)}")
        if not all(0 <= rate <= 1 for rate in rates.values()):
            raise UsageError("--faults: a rate is not between 0 and 1", hint="give one such as 429=0.05")
        return cls(rates, seed, slow_factor=slow_factor, slow_workers=slow_workers)

    @property
    def possible(self) -> bool:
        """Whether any fault can strike."""
        return bool(self.rates)

    def of_request(self, subject: str) -> Fault | None:
        """Return the fault of this request, if it has one; `subject` names the operation and what it is about."""
        name = self._nth(subject)
        fault = next((fault for fault in OF_REQUESTS if self._strikes(fault, name)), None)
        self.struck.update([fault] if fault else [])
        return fault

    def of_job(self, subject: str) -> frozenset[Fault]:
        """Return the faults of this job: any number on the way, and at most one ending."""
        name = self._nth(subject)
        struck = [fault for fault in OF_JOBS if self._strikes(fault, name)]
        ending = next((fault for fault in struck if fault in ENDINGS), None)
        struck = [fault for fault in struck if fault not in ENDINGS or fault is ending]
        self.struck.update(struck)
        return frozenset(struck)

    def garbage(self, subject: str) -> bytes:
        """Return the body of a garbage response."""
        return random.Random(f"{self.seed}/garbage/{subject}/{self._seen[subject]}").choice(_GARBAGE)

    def odd(self, subject: str, content: bytes) -> bytes:
        """Return the answer in an envelope that is not as documented."""
        dice = random.Random(f"{self.seed}/odd/{subject}/{self._seen[subject]}")
        mark = dice.choice((b"", b"\xef\xbb\xbf"))
        return mark + content[:-1] + dice.choice(_ODD) + b"}" if len(content) > 2 and content[-1:] == b"}" else content

    def coin(self, subject: str) -> bool:
        """Return which of two ways a fault takes."""
        return random.Random(f"{self.seed}/coin/{subject}").random() < 0.5

    def _nth(self, subject: str) -> str:
        self._seen[subject] += 1
        return f"{subject}/{self._seen[subject]}"

    def _strikes(self, fault: Fault, name: str) -> bool:
        rate = self.rates.get(fault, 0.0)
        return rate > 0 and random.Random(f"{self.seed}/{fault}/{name}").random() < rate


def _pair(part: str) -> tuple[str, float]:
    name, _, value = part.partition("=")
    try:
        number = float(value)
        if not math.isfinite(number):
            raise ValueError
        return name.strip(), number
    except ValueError:
        raise UsageError(f"--faults: {part.strip()!r} is not name=number", hint="give pairs such as 429=0.05") from None
