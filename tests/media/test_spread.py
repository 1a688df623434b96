"""Work on many threads, handed out in order."""

import threading

import pytest

from framefleet.media.video import parallel as module
from framefleet.media.video.parallel import run_parallel


def run(tasks, work, **options):
    return run_parallel(tasks, work, **({"threads": 3, "size_of": lambda _: 1, "max_size": 100} | options))


def test_pieces_come_in_the_order_of_the_tasks():
    later = threading.Event()

    def work(task, outlet):
        if task == 0:
            later.wait(10)
        if task == 2:
            later.set()
        for number in range(3):
            outlet.put((task, number), 1)

    assert list(run(range(20), work)) == [(task, number) for task in range(20) for number in range(3)]


def test_a_fault_comes_where_the_pieces_would_have():
    def work(task, outlet):
        outlet.put(task, 1)
        if task == 2:
            raise KeyError(task)

    got = []
    with pytest.raises(KeyError):
        for piece in run(range(10), work):
            got.append(piece)
    assert got == [0, 1, 2]


def test_no_more_waits_than_the_bound(monkeypatch):
    """The bound, and one piece more where it is the task whose turn it is that puts it."""
    monkeypatch.setattr(module, "MAX_WAITING_BYTES", 5)
    lock, waiting, most = threading.Lock(), 0, 0

    def work(task, outlet):
        nonlocal waiting, most
        for _ in range(10):
            outlet.put(task, 1)
            with lock:
                waiting += 1
                most = max(most, waiting)

    for _ in run(range(12), work):
        with lock:
            waiting -= 1
    assert most <= 5 + 3  # a piece is counted here a moment after it was put


def test_a_piece_larger_than_the_bound_comes_through(monkeypatch):
    monkeypatch.setattr(module, "MAX_WAITING_BYTES", 5)
    assert list(run(range(6), lambda task, outlet: outlet.put(task, 50))) == list(range(6))


def test_tasks_are_taken_only_while_there_is_room():
    taken = []
    pieces = run((taken.append(n) or n for n in range(50)), lambda task, outlet: outlet.put(task, 1), max_size=2)
    next(pieces)
    assert len(taken) == 2
    pieces.close()


def test_closing_ends_tasks_that_wait(monkeypatch):
    monkeypatch.setattr(module, "MAX_WAITING_BYTES", 1)

    def work(task, outlet):
        while True:
            outlet.put(task, 1)

    pieces = run(range(9), work)
    next(pieces)
    pieces.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]
