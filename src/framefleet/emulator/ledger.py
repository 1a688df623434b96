"""Which work was really done, and how often: what a test counts when it asks whether anything was paid twice."""

import zlib
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from framefleet.timebase import Seconds

Content = bytes | memoryview
"""A request's JSON as it came: megabytes, so no copy is made of it."""


class Unit(NamedTuple):
    """A picture by its time and a checksum of its JPEG, or anything else (a clip of sound) by its checksum alone."""

    time_s: Seconds | None
    checksum: int


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a job on a worker, and what the job asked for."""

    job_id: str
    worker_id: str
    units: tuple[Unit, ...]


class WorkLedger:
    """Every execution of one endpoint in the order they began. A run counts even if its result is lost."""

    def __init__(self) -> None:
        self.executions: list[Execution] = []

    def record(self, job_id: str, worker_id: str, input: Content) -> Execution:
        done = Execution(job_id, worker_id, units(input))
        self.executions.append(done)
        return done

    def per_input(self) -> Counter[tuple[Unit, ...]]:
        """How often each request was executed. Requests for the same pictures are the same, whatever their options."""
        return Counter(done.units for done in list(self.executions))

    def per_unit(self) -> Counter[Unit]:
        """How often each picture or clip was executed, whatever batches it came in."""
        return Counter(unit for done in list(self.executions) for unit in done.units)

    @property
    def unit_runs(self) -> int:
        """Pictures and clips executed, repetitions included."""
        return sum(len(done.units) for done in list(self.executions))


def digest(input: Content) -> str:
    """A short name for a request's bytes: quick, since it is made of megabytes, and good enough to count by."""
    return f"{zlib.crc32(input):08x}-{len(input)}"


class _LedgerFrame(msgspec.Struct):
    time_s: Seconds
    jpeg: msgspec.Raw  # not decoded: a checksum of its text tells one picture from another


class _LedgerSource(msgspec.Struct):
    frames: list[_LedgerFrame]


class _Pictures(msgspec.Struct):
    source: _LedgerSource


def units(input: Content) -> tuple[Unit, ...]:
    """What a request asks for. A probe asks for nothing."""
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
