"""What can go wrong, how often, and the dice that say when: the same seed and requests give the same faults.

A decision hangs on the seed, the request's content and how often it was seen, never on the order in which requests of
many clients happen to arrive.
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
    DROP_BEFORE = "drop_before"  # the connection is cut and nothing was done
    DROP_AFTER = "drop_after"  # what was asked for is done, and the connection is cut without an answer
    GARBAGE = "garbage"  # what was asked for is done, and the answer is not what it should be
    FORBIDDEN = "403"  # a page of somebody in between, in the place of a job's status
    PORTAL = "portal"  # a page to log in at, which says that all is well (200)
    ODD = "odd"  # what surrounds the answer is not as documented
    # of a job
    FRESH = "fresh"  # `status` does not know it for a moment
    SLOW = "slow"  # takes `slow_factor` times as long
    TWICE = "twice"  # is executed twice
    LOST = "lost"  # is accepted, never executed, and then unknown
    STUCK = "stuck"  # is said to be at work for ever, and no worker has it
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    KILLED = "killed"  # its worker dies: the job goes back to the queue, or is lost
    NO_OUTPUT = "no_output"
    HALF = "half"  # COMPLETED with half of its frames
    TOO_LARGE = "too_large"  # as if the result were over the limit


OF_REQUESTS = tuple(Fault)[: tuple(Fault).index(Fault.FRESH)]
OF_JOBS = tuple(Fault)[len(OF_REQUESTS) :]
ENDINGS = OF_JOBS[OF_JOBS.index(Fault.LOST) :]  # of these a job has one at most
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
    """`rates` from 0 to 1 by fault. `slow_workers` of an endpoint's workers are slow always."""

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
        """From `429=0.05,lost=0.1,seed=1` or `all=0.05`; also `slow_factor=10`, `slow_workers=2`.

        Raises `UsageError` for what is no such list.
        """
        given = dict(_pair(part) for part in text.split(",") if part.strip())
        seed, slow_workers = int(given.pop("seed", 0)), int(given.pop("slow_workers", 0))
        slow_factor, everywhere = given.pop("slow_factor", 10.0), given.pop("all", 0.0)
        rates = {fault: given.pop(fault, everywhere) for fault in Fault}
        if given:
            raise UsageError(f"--faults: no fault {next(iter(given))!r}; there are all, {', '.join(Fault)}")
        if not all(0 <= rate <= 1 for rate in rates.values()):
            raise UsageError("--faults: a rate is from 0 to 1, such as 429=0.05")
        return cls(rates, seed, slow_factor=slow_factor, slow_workers=slow_workers)

    @property
    def possible(self) -> bool:
        """Whether any dice need to be rolled."""
        return bool(self.rates)

    def of_request(self, subject: str) -> Fault | None:
        """What goes wrong with this request; `subject` is what it does and to what."""
        name = self._nth(subject)
        fault = next((fault for fault in OF_REQUESTS if self._strikes(fault, name)), None)
        self.struck.update([fault] if fault else [])
        return fault

    def of_job(self, subject: str) -> frozenset[Fault]:
        """What will go wrong with this job: whatever happens on the way, and one ending at most."""
        name = self._nth(subject)
        struck = [fault for fault in OF_JOBS if self._strikes(fault, name)]
        ending = next((fault for fault in struck if fault in ENDINGS), None)
        struck = [fault for fault in struck if fault not in ENDINGS or fault is ending]
        self.struck.update(struck)
        return frozenset(struck)

    def garbage(self, subject: str) -> bytes:
        """An answer that is none."""
        return random.Random(f"{self.seed}/garbage/{subject}/{self._seen[subject]}").choice(_GARBAGE)

    def odd(self, subject: str, content: bytes) -> bytes:
        """An answer in surroundings that no documentation knows."""
        dice = random.Random(f"{self.seed}/odd/{subject}/{self._seen[subject]}")
        mark = dice.choice((b"", b"\xef\xbb\xbf"))
        return mark + content[:-1] + dice.choice(_ODD) + b"}" if len(content) > 2 and content[-1:] == b"}" else content

    def coin(self, subject: str) -> bool:
        """Which of two ways a fault takes."""
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
        raise UsageError(f"--faults: {part.strip()!r} is not name=number, such as 429=0.05") from None
