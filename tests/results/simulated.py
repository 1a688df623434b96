"""A run against an endpoint, event by event: the times that a real one would have, in no time. Pure and seeded.

A request goes through what is shared, one after the other: a place of the client (`--max-workers`), its processors,
RunPod's rate of new jobs, the way there, the queue and a worker, looks at whether it is over, the processors again.
Workers start when jobs wait and no free one will take them, and stop after the idle timeout, as in the emulator.
"""

import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from framefleet.fleet.backends.base import Receipt
from framefleet.fleet.billing.usage import JobUsage
from framefleet.results.timing.advice import Part
from framefleet.results.timing.requests import LOOKS, RequestTiming, sum_up

IDLE_S = 5.0


@dataclass(frozen=True)
class World:
    """What there is, and what the run was told. Seconds of one request, alone: `batch_s` on a worker, `cpu_s` of one of
    `cores` (a third of it to send it), `upload_s` and `way_s` there and back. `fed_s` is between two that are decoded.
    """

    requests: int
    batch_s: float
    places: int
    workers: int  # the endpoint's max workers
    cores: int = 8
    cpu_s: float = 0.003
    upload_s: float = 0.0
    way_s: float = 0.02
    fed_s: float = 0.001
    cold_s: float = 0.0
    run_rate: float = 90.0
    status_rate: float = 180.0
    warm: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Ran:
    """What came of it. `billed_s` is by RunPod's rule, `parts` is what advice is made of."""

    wall_s: float
    billed_s: int
    parts: dict[str, Part]

    @property
    def asked(self) -> RequestTiming:
        asked = self.parts["objects"].asked
        assert asked is not None
        return asked


class Events:
    """Things that happen at a time, in the order of time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def at(self, time: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time, next(self._numbers), action))

    def run(self) -> None:
        while self._due:
            self.now, _, action = heapq.heappop(self._due)
            action()


class Shared:
    """A resource that all who are at it share alike: `capacity` of them go at full speed."""

    def __init__(self, events: Events, capacity: float) -> None:
        self._events = events
        self._capacity = capacity
        self._done = 0.0  # what each has got so far, had it been there from the beginning
        self._since = 0.0
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self.used_s = 0.0

    def use(self, work_s: float, then: Callable[[], None]) -> None:
        if work_s <= 0:
            then()
            return
        self._catch_up()
        self.used_s += work_s
        heapq.heappush(self._waiting, (self._done + work_s, next(self._numbers), then))
        self._look_at()

    def _speed(self) -> float:
        return min(1.0, self._capacity / len(self._waiting)) if self._waiting else 1.0

    def _catch_up(self) -> None:
        self._done += (self._events.now - self._since) * self._speed()
        self._since = self._events.now

    def _look_at(self) -> None:
        if self._waiting:
            expected = self._waiting[0]
            at = self._events.now + max(0.0, expected[0] - self._done) / self._speed()
            self._events.at(at, lambda: self._finish(expected))

    def _finish(self, expected: tuple[float, int, Callable[[], None]]) -> None:
        if not self._waiting or self._waiting[0] is not expected:
            return  # somebody quicker came meanwhile, who has looked
        self._catch_up()
        if expected[0] - self._done > 1e-9:
            self._look_at()  # others came, and it took longer
            return
        heapq.heappop(self._waiting)
        self._look_at()
        expected[2]()


class Paced:
    """So many a second, and a burst at once: when the next may."""

    def __init__(self, rate: float) -> None:
        self._interval, self._slack, self._due = 1 / rate, 2 - 1 / rate, 0.0

    def next(self, now: float, weight: float = 1.0) -> float:
        arrival = max(self._due, now)
        self._due = arrival + self._interval * weight
        return max(now, arrival - self._slack)


@dataclass
class Worker:
    id: str
    started: float
    ready: float
    free_since: float
    busy: bool = False
    stopped: float | None = None


@dataclass
class Area:
    """How many there were, over time."""

    events: Events
    count: int = 0
    at: float = 0.0
    busy_s: float = 0.0
    area_s: float = 0.0
    began: float | None = None
    ended: float = 0.0

    def change(self, by: int) -> None:
        now = self.events.now
        self.began = now if self.began is None else self.began
        self.busy_s += (now - self.at) * (self.count > 0)
        self.area_s += (now - self.at) * self.count
        self.at, self.count = now, self.count + by
        self.ended = now


@dataclass
class Request:
    number: int
    taken_s: float = 0.0
    submitted_s: float = 0.0
    begun_s: float = 0.0
    accepted_s: float = 0.0
    worker: str = ""
    probe: bool = False


@dataclass
class Simulation:
    world: World
    events: Events = field(default_factory=Events)
    fleet: list[Worker] = field(default_factory=list)
    queue: deque[Request] = field(default_factory=deque)
    ready: deque[Request] = field(default_factory=deque)
    charges: list[JobUsage] = field(default_factory=list)
    sending: list[float] = field(default_factory=list)
    held_s: float = 0.0
    in_hand_now: int = 0
    fed: int = 0
    fed_at: float = 0.0
    feeding_s: float = 0.0

    def run(self) -> Ran:
        world, events = self.world, self.events
        self.dice = random.Random(world.seed)
        self.cpu, self.link = Shared(events, world.cores), Shared(events, 1)
        self.runs, self.statuses = Paced(world.run_rate), Paced(world.status_rate)
        self.asked, self.in_hand = Area(events), Area(events)
        self.woken = min(world.places, world.workers, world.requests) if world.warm else 0
        for _ in range(self.woken):
            self._arrive(Request(-1, probe=True))
        events.at(0.0, self._feed)
        events.run()
        answered = self.asked.ended
        for worker in self.fleet:
            worker.stopped = worker.stopped or worker.free_since + IDLE_S
        billed = sum(math.ceil(round((worker.stopped or 0) - worker.started, 6)) for worker in self.fleet)
        asked = sum_up(
            self.charges,
            busy_s=self.asked.busy_s,
            asked_s=self.asked.area_s,
            queue=max(0.0, self.in_hand.area_s - self.asked.area_s) / answered,
            places=world.places,
            ceiling=True,
            probes=self.woken,
            sending=self.sending,
            held_s=self.held_s,
            cpu=self.cpu.used_s / answered / world.cores,
        )
        decode = Part(self.feeding_s, "pictures")
        return Ran(
            answered,
            billed,
            {
                "decode": decode,
                "objects": Part(asked.needs_s, "objects", "objects", "yolo", asked, remote=True, billed=True),
            },
        )

    # The client.

    def _feed(self) -> None:
        """Decodes the next one, unless twice as many are in hand as are asked at once."""
        if self.fed < self.world.requests and self.in_hand_now < 2 * self.world.places:
            self.feeding_s += self.world.fed_s
            self.fed += 1
            self.in_hand_now += 1
            number = self.fed
            self.events.at(max(self.fed_at, self.events.now) + self.world.fed_s, lambda: self._put(number))
            self.fed_at = max(self.fed_at, self.events.now) + self.world.fed_s

    def _put(self, number: int) -> None:
        self.in_hand.change(+1)
        self.ready.append(Request(number))
        self._take_places()
        self._feed()

    def _take_places(self) -> None:
        while self.ready and self.asked.count < self.world.places:
            request = self.ready.popleft()
            self.asked.change(+1)
            request.submitted_s = self.events.now
            self.cpu.use(self.world.cpu_s / 3, lambda request=request: self._upload(request))  # type: ignore[misc]

    def _upload(self, request: Request) -> None:
        at = self.runs.next(self.events.now)
        self.held_s += at - self.events.now
        self.events.at(at, lambda: self.link.use(self.world.upload_s, lambda: self._go(request)))

    def _go(self, request: Request) -> None:
        self.events.at(self.events.now + self.world.way_s / 2, lambda: self._arrive(request))
        self.events.at(self.events.now + self.world.way_s, lambda: self._accepted(request))

    def _accepted(self, request: Request) -> None:
        self.sending.append(self.events.now - request.submitted_s)

    def _over(self, request: Request) -> None:
        """It is found over at the next look, of which each takes its turn."""
        if request.probe:
            return
        waited = self.events.now - request.accepted_s
        late = self.dice.random() * max(0.02, min(0.12 * waited, 2.0))
        at = self.statuses.next(self.events.now + late, LOOKS)
        self.held_s += at - self.events.now - late
        self.events.at(
            at + self.world.way_s, lambda: self.cpu.use(self.world.cpu_s * 2 / 3, lambda: self._answered(request))
        )

    def _answered(self, request: Request) -> None:
        self.asked.change(-1)
        self.in_hand.change(-1)
        self.in_hand_now -= 1
        self._feed()
        self._take_places()

    # The service.

    def _arrive(self, request: Request) -> None:
        request.accepted_s = self.events.now
        self.queue.append(request)
        self._assign()
        up = [worker for worker in self.fleet if worker.stopped is None]
        free = sum(not worker.busy for worker in up)
        for _ in range(min(len(self.queue) - free, self.world.workers - len(up))):
            now = self.events.now
            worker = Worker(f"w{len(self.fleet)}", now, now + self.world.cold_s, now + self.world.cold_s)
            self.fleet.append(worker)
            self.events.at(worker.ready, self._assign)
            self._leave_later(worker)

    def _assign(self) -> None:
        now = self.events.now
        for worker in self.fleet:
            if not self.queue:
                return
            if worker.stopped is None and not worker.busy and worker.ready <= now:
                request = self.queue.popleft()
                worker.busy, request.begun_s, request.worker = True, now, worker.id
                took = 0.0 if request.probe else self.world.batch_s * self.dice.uniform(0.9, 1.1)
                self.events.at(now + took, lambda worker=worker, request=request: self._done(worker, request))  # type: ignore[misc]

    def _done(self, worker: Worker, request: Request) -> None:
        now = self.events.now
        worker.busy, worker.free_since = False, now
        receipt = Receipt(worker.id, (request.begun_s - request.accepted_s) * 1000, (now - request.begun_s) * 1000)
        charge = JobUsage(request.submitted_s, receipt)
        self.charges.insert(0, charge) if request.probe else self.charges.append(charge)
        self._leave_later(worker)
        self._assign()
        self._over(request)

    def _leave_later(self, worker: Worker) -> None:
        since = worker.free_since
        self.events.at(since + IDLE_S, lambda: self._leave(worker, since))

    def _leave(self, worker: Worker, since: float) -> None:
        if not worker.busy and worker.free_since == since and worker.stopped is None:
            worker.stopped = self.events.now
