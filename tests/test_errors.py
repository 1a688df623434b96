"""The tree of errors: drawn as it is, one line each, an exit code of the design's."""

import pickle
import re
from collections.abc import Iterator

import pytest

from framefleet import errors
from framefleet.errors import (
    Advice,
    FleetError,
    FrameFleetError,
    InputError,
    JobFailedError,
    WorkerError,
    explain,
    from_worker,
)


def tree(root: type[FrameFleetError]) -> Iterator[type[FrameFleetError]]:
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from tree(child)


KINDS = list(tree(FrameFleetError))


def test_the_drawing_is_the_tree() -> None:
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    assert sorted(drawn) == sorted(kind.__name__ for kind in KINDS)


@pytest.mark.parametrize("kind", [k for k in KINDS if issubclass(k, FleetError) and k is not FleetError])
def test_the_advice_drawn_is_the_advice_given(kind: type[FleetError]) -> None:
    (drawn,) = re.findall(rf"── {kind.__name__} +[-\d]+ +([A-Z_]+)", errors.__doc__ or "")
    assert kind.advice is Advice[drawn]


@pytest.mark.parametrize("kind", KINDS)
def test_exit_codes_are_those_of_the_design(kind: type[FrameFleetError]) -> None:
    assert kind.exit_code in {1, 2, 3, 130}


@pytest.mark.parametrize("kind", [k for k in KINDS if k is not WorkerError])
def test_an_error_is_one_line(kind: type[FrameFleetError]) -> None:
    assert str(kind("a\n  name.mp4:\tno such\r\nfile ")) == "a name.mp4: no such file"


def test_a_workers_error_survives_as_text() -> None:
    sent = WorkerError("invalid_input", "no frames: send some").wire()
    arrived = from_worker(sent["error"])
    assert arrived.advice is Advice.GIVE_UP
    assert str(arrived) == "invalid_input: no frames: send some"
    assert type(from_worker("ValueError: something else")) is JobFailedError
    assert str(from_worker("no type at all")) == "no type at all"


def test_what_happened_and_what_to_do_are_told_apart() -> None:
    error = InputError("clip.mp4:\n cannot be read", hint="check its\n permissions")
    error.add_note("about $0.01 spent")
    assert (error.message, error.hint) == ("clip.mp4: cannot be read", "check its permissions")
    assert str(error) == "clip.mp4: cannot be read; check its permissions"
    assert explain(error) == ("clip.mp4: cannot be read; about $0.01 spent", "check its permissions")
    assert explain(ValueError("x")) == ("a fault of this program: ValueError: x", None)


def test_codes_are_those_that_programs_may_know() -> None:
    codes = {kind.__name__: kind.code for kind in KINDS}
    assert len(set(codes.values())) == len(KINDS)
    assert all(re.fullmatch("[a-z]+(_[a-z]+)*", code) for code in codes.values())
    assert (codes["UsageError"], codes["RateLimitedError"], codes["Interrupted"]) == (
        "usage",
        "rate_limited",
        "interrupted",
    )
    assert InputError("gone", code="no_such_file").code == "no_such_file"
    assert InputError("gone").code == "input"


def test_an_error_is_the_same_in_another_process() -> None:
    sent = WorkerError("invalid_input", "no frames")
    sent.hint = "send some"
    arrived = pickle.loads(pickle.dumps(sent))
    assert (type(arrived), arrived.type, arrived.message, arrived.hint) == (
        WorkerError,
        "invalid_input",
        "no frames",
        "send some",
    )
