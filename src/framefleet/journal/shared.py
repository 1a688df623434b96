"""The journal of one video in a folder that several hosts share, and that outlives each of them.

SQLite's write-ahead log does not work over network disks. So the folder `<sha256 of the video>` holds small files, each
put whole and once: `answers-*` as they arrive, `job-*` from when the service has accepted a job until it is answered,
`kept-*` of stages, `asked-*` with what the keys of answers were made of, and the `lease-*` of the process that is at
work. A host that dies, with its disk, loses nothing
that is there.
"""

import contextlib
import hashlib
import os
import re
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from framefleet.errors import OutputError
from framefleet.journal.owner import surely_gone
from framefleet.logs import logger
from framefleet.storage.atomic import write_whole
from framefleet.timebase import Seconds

log = logger(__name__)

Content = TypeVar("Content")

LEASE_S = 60.0  # how long a process without a sign of life still counts as running: hosts' clocks differ a little


class SharedAnswers(msgspec.Struct, frozen=True):
    """Answers by key, and the usage of jobs: endpoint, job id, stage, owner and JSON."""

    answers: dict[str, bytes]
    charges: list[tuple[str, str, str, str, bytes]] = []


class SharedJob(msgspec.Struct, frozen=True):
    """A job that is not known to be answered, with its facts by key."""

    endpoint: str
    job_id: str
    facts: dict[str, bytes]


class SharedKept(msgspec.Struct, frozen=True):
    stage: str
    value: bytes


class SharedAsked(msgspec.Struct, frozen=True):
    """What a run asked a stage, as JSON, when (seconds since 1970), and the keys that have only a hash of it."""

    stage: str
    asked: bytes
    at: float
    keys: list[str]


class _Lease(msgspec.Struct, frozen=True):
    owner: str
    until: float  # seconds since 1970


class SharedFolder:
    """The files of one video's journal in `path`. Every method raises `OutputError` if the folder is out of reach."""

    def __init__(self, path: Path, owner: str, *, clock: Callable[[], Seconds] = time.time) -> None:
        self.path = path
        self._owner = owner
        self._clock = clock
        with self._in_reach():
            path.mkdir(parents=True, exist_ok=True)

    # Whose it is

    def take(self) -> str | None:
        """Take the lease, and return None; or return the name of the process that has it and may be running.

        Leases are numbered, and the highest counts. One that has expired or was given back is followed by the next, a
        file that only one of several processes can create.
        """
        while True:
            number, holder = self._highest()
            if holder is not None and holder.until > self._clock() and not surely_gone(holder.owner):
                return None if holder.owner == self._owner else holder.owner
            with contextlib.suppress(FileExistsError):
                write_whole(self._lease(number + 1), self._own_lease(), over=False)
                self._remove(self._lease(number))
                return None

    def renew(self) -> None:
        """Extend the lease, if it is this process's."""
        self._hold_until(self._clock() + LEASE_S)

    def give_back(self) -> None:
        self._hold_until(0.0)

    def _hold_until(self, until: float) -> None:
        number, holder = self._highest()
        if holder is not None and holder.owner == self._owner:
            write_whole(self._lease(number), msgspec.json.encode(_Lease(self._owner, until)))

    def _highest(self) -> tuple[int, _Lease | None]:
        """Return the number of the lease that counts, and the lease; 0 and None if there is none."""
        with self._in_reach():
            names = [path.name.removeprefix("lease-") for path in self.path.glob("lease-*")]
        numbers = [int(name) for name in names if name.isdecimal()]
        number = max(numbers, default=0)
        return number, _read(self._lease(number), _Lease)

    def _lease(self, number: int) -> Path:
        return self.path / f"lease-{number}"

    # What is in it

    def put_answers(self, answers: SharedAnswers) -> None:
        if answers.answers or answers.charges:
            self._put(f"answers-{uuid.uuid4().hex}.json", answers, over=False)

    def put_job(self, job: SharedJob) -> None:
        self._put(_job_file(job.endpoint, job.job_id), job)

    def drop_job(self, endpoint: str, job_id: str) -> None:
        self._remove(self.path / _job_file(endpoint, job_id))

    def put_kept(self, stage: str, value: bytes) -> None:
        self._put(_kept_file(stage), SharedKept(stage, value))

    def drop_kept(self, stage: str) -> None:
        self._overwrite(self.path / _kept_file(stage))

    def put_asked(self, asked: SharedAsked) -> None:
        """Put what was asked, and keep the keys that the same has had before."""
        name = _asked_file(asked.stage, asked.asked)
        before = _read(self.path / name, SharedAsked)
        keys = dict.fromkeys([*(before.keys if before is not None else ()), *asked.keys])
        self._put(name, SharedAsked(asked.stage, asked.asked, asked.at, list(keys)))

    def drop_asked(self, stage: str, asked: bytes) -> None:
        self._remove(self.path / _asked_file(stage, asked))

    def answers(self) -> list[SharedAnswers]:
        return [content for _, content in self._files("answers-", SharedAnswers)]

    def jobs(self) -> list[SharedJob]:
        return [job for _, job in self._files("job-", SharedJob)]

    def kept(self) -> list[SharedKept]:
        return [kept for _, kept in self._files("kept-", SharedKept)]

    def asked(self) -> list[SharedAsked]:
        return [asked for _, asked in self._files("asked-", SharedAsked)]

    def forget(self, keys: Collection[str]) -> None:
        """Remove the answers to these keys, and overwrite them on the disk: some are about a person."""
        gone = set(keys)
        for path, content in list(self._files("answers-", SharedAnswers)):
            if not gone.isdisjoint(content.answers):
                left = {key: parts for key, parts in content.answers.items() if key not in gone}
                self.put_answers(SharedAnswers(left, content.charges))
                self._overwrite(path)

    def merge(self) -> None:
        """Put all answers into one file: an hour of video has hundreds."""
        files = list(self._files("answers-", SharedAnswers))
        if len(files) > 1:
            answers: dict[str, bytes] = {}
            charges: dict[tuple[str, str], tuple[str, str, str, str, bytes]] = {}
            for _, content in files:
                answers |= {key: parts for key, parts in content.answers.items() if key not in answers}
                charges |= {charge[:2]: charge for charge in content.charges if charge[:2] not in charges}
            self.put_answers(SharedAnswers(answers, list(charges.values())))
            for path, _ in files:
                self._remove(path)

    def _files(self, prefix: str, kind: type[Content]) -> Iterator[tuple[Path, Content]]:
        with self._in_reach():
            paths = sorted(self.path.glob(f"{prefix}*.json"))
        for path in paths:
            if (content := _read(path, kind)) is not None:
                yield path, content

    def _put(self, name: str, content: msgspec.Struct, *, over: bool = True) -> None:
        write_whole(self.path / name, msgspec.json.encode(content), over=over, mode=0o600)

    def _remove(self, path: Path) -> None:
        with self._in_reach():
            path.unlink(missing_ok=True)

    def _overwrite(self, path: Path) -> None:
        """Remove the file, after its content is overwritten on the disk."""
        with self._in_reach(), contextlib.suppress(FileNotFoundError):
            with path.open("r+b") as file:
                file.write(bytes(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()

    @contextlib.contextmanager
    def _in_reach(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _out_of_reach(self.path, error) from None

    def _own_lease(self) -> bytes:
        return msgspec.json.encode(_Lease(self._owner, self._clock() + LEASE_S))


def shared_keys(path: Path, *, jobs: bool) -> set[str]:
    """Return the keys that the folder has answers to, with `jobs` also those that were sent; none without a folder."""
    found: set[str] = set()
    for file in path.glob("answers-*.json"):
        if (content := _read(file, SharedAnswers)) is not None:
            found |= content.answers.keys()
    for file in path.glob("job-*.json") if jobs else ():
        if (job := _read(file, SharedJob)) is not None:
            found |= job.facts.keys()
    return found


def shared_kept(path: Path, stage: str) -> bytes | None:
    """Return what the stage keeps of the video in the folder; None if it keeps nothing."""
    kept = _read(path / _kept_file(stage), SharedKept)
    return None if kept is None else kept.value


def shared_asked(path: Path, stage: str) -> bytes | None:
    """Return what a run last asked the stage and got answers to; None if that is not known."""
    answered, asked = shared_keys(path, jobs=False), list[SharedAsked]()
    for file in path.glob("asked-*.json"):
        one = _read(file, SharedAsked)
        if one is not None and one.stage == stage and not answered.isdisjoint(one.keys):
            asked.append(one)
    return max(asked, key=lambda one: one.at).asked if asked else None


def shared_charges(path: Path) -> list[tuple[str, bytes]]:
    """Return endpoint and usage of all jobs in the folder."""
    files = (_read(file, SharedAnswers) for file in path.glob("answers-*.json"))
    charges = [charge for content in files if content is not None for charge in content.charges]
    return [(endpoint, used) for (endpoint, _), used in {charge[:2]: charge[-1] for charge in charges}.items()]


def folders_in(shared: Path) -> list[Path]:
    """Return the folders of all videos in a shared folder, whose names are sha256s."""
    with contextlib.suppress(OSError):
        return sorted(path for path in shared.iterdir() if re.fullmatch("[0-9a-f]{64}", path.name) and path.is_dir())
    return []


def _read(path: Path, kind: type[Content]) -> Content | None:
    """Return the file's content; None if it is gone or cannot be read, which costs a request and loses nothing."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        log.warning("%s cannot be read", path, exc_info=error)
        return None


def _job_file(endpoint: str, job_id: str) -> str:
    return f"job-{_digest(f'{endpoint} {job_id}')}.json"


def _kept_file(stage: str) -> str:
    return f"kept-{_digest(stage)}.json"


def _asked_file(stage: str, asked: bytes) -> str:
    return f"asked-{_digest(f'{stage} {asked!r}')}.json"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _out_of_reach(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{path}: the shared journal cannot be used ({error.strerror})", hint="give another folder with --journal"
    )
