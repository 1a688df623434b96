"""The work that was really executed, and how often, for tests of whether anything is paid twice."""

import zlib
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from framefleet.timebase import Seconds

Content = bytes | memoryview
"""A request's JSON as it was received: megabytes, so it is never copied."""


class Unit(NamedTuple):
    """A frame by its time and a checksum of its JPEG, or anything else (a clip of sound) by its checksum alone."""

    time_s: Seconds | None
    checksum: int


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution of a job on a worker, and the job's units."""

    job_id: str
    worker_id: str
    units: tuple[Unit, ...]


class WorkLedger:
    """Every execution of one endpoint, by its start. It counts even if its result is lost."""

    def __init__(self) -> None:
        self.executions: list[Execution] = []

    def record(self, job_id: str, worker_id: str, input: Content) -> Execution:
        done = Execution(job_id, worker_id, units(input))
        self.executions.append(done)
        return done

    def per_input(self) -> Counter[tuple[Unit, ...]]:
        """Return how often each request was executed; those for the same frames are equal, whatever their options."""
        return Counter(done.units for done in list(self.executions))

    def per_unit(self) -> Counter[Unit]:
        """Return how often each frame or clip was executed, in any batch."""
        return Counter(unit for done in list(self.executions) for unit in done.units)

    @property
    def unit_runs(self) -> int:
        """The number of frames and clips executed, with repetitions."""
        return sum(len(done.units) for done in list(self.executions))


def digest(input: Content) -> str:
    """Return a short name for a request's bytes: fast, since those are megabytes, and good enough to count by."""
    return f"{zlib.crc32(input):08x}-{len(input)}"


class _LedgerFrame(msgspec.Struct):
    time_s: Seconds
    jpeg: msgspec.Raw  # not decoded: a checksum of its text distinguishes frames


class _LedgerSource(msgspec.Struct):
    frames: list[_LedgerFrame]


class _Pictures(msgspec.Struct):
    source: _LedgerSource


def units(input: Content) -> tuple[Unit, ...]:
    """Return the units of a request; none for a probe."""
    try:
        frames = msgspec.json.decode(input, type=_Pictures).source.frames
    except msgspec.MsgspecError:
        return () if _is_probe(input) else (Unit(None, zlib.crc32(input)),)
    return tuple(Unit(frame.time_s, zlib.crc32(frame.jpeg)) for frame in frames)


class _Probe(msgspec.Struct):
    probe: bool


def _is_probe(input: Content) -> bool:
    try:
        return msgspec.json.decode(input, type=_Probe).probe
    except msgspec.MsgspecError:
        return False
