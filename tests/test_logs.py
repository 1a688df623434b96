"""The log: silent until somebody wants it, and never with a key or with what a video shows and says."""

import ast
import io
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet import logs
from framefleet.config.endpoints import Secret
from framefleet.errors import (
    BadReplyError,
    FrameFleetError,
    OutputError,
    UnreachableError,
    WorkerError,
    from_worker,
)
from framefleet.logs import (
    SHORTEST,
    logger,
    named,
    without_secrets,
)

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
NOT_OF_THE_CLIENT = {"emulator"}  # a service that stands in for another, with a log of its own

log = logger("framefleet.tests")
key = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=SHORTEST, max_size=60).map("~q{}".format)
word = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=8, max_size=40)


class Written:
    """What a handler that knows nothing of ours writes, at every level."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        self._handler = logging.StreamHandler(self._stream)
        self._handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))

    def __enter__(self) -> "Written":
        log.addHandler(self._handler)
        log.setLevel(logging.DEBUG)
        return self

    def __exit__(self, *_: object) -> None:
        log.removeHandler(self._handler)
        log.setLevel(logging.NOTSET)

    def __str__(self) -> str:
        return self._stream.getvalue()


@given(key, st.sampled_from(["%s", "at %r", "Authorization: Bearer %s", "https://x:%s@host/y", "https://x/y?sig=%s"]))
def test_a_key_that_was_ever_read_is_in_no_line_however_it_gets_there(key: str, around: str) -> None:
    logs._hidden.clear()
    Secret(key)
    text = f"{around % key} and {quote(key, safe='')}"
    with Written() as written:
        log.debug("%s", text)
        log.debug("%s", [text])
        try:
            raise UnreachableError(text)
        except UnreachableError as error:
            log.info("%s", error, exc_info=error)
    for form in (key, quote(key, safe=""), repr(key)[1:-1]):
        assert form not in str(written)
    assert "INFO UnreachableError: " in str(written)


@given(
    word, word, st.sampled_from(["https://{0}:{1}@proxy.example:8080", "http://{0}@proxy", "socks5://{0}:%40{1}@p:1"])
)
def test_nobody_is_named_in_an_address(name: str, password: str, url: str) -> None:
    shown = without_secrets(f"the proxy {url.format(name, password)} refuses")
    assert password not in shown and name not in shown
    assert shown.startswith("the proxy ") and shown.endswith("refuses")


@given(word, st.sampled_from(["https://b.example/a/v.mp4?X-Signature={}", "/a/v.mp4?e=1&sig={}", "https://b/a?{}"]))
def test_nothing_of_what_an_address_is_asked_with_is_shown(signature: str, url: str) -> None:
    shown = without_secrets(f"GET {url.format(signature)} took 3 ms")
    assert signature not in shown
    assert "/a" in shown and shown.endswith(" took 3 ms")


@given(word)
def test_the_words_of_an_error_that_may_quote_a_video_are_left_out_at_any_depth(word: str) -> None:
    def fails() -> None:
        try:
            try:
                raise KeyError(word)
            except KeyError as error:
                raise BadReplyError(f"no {word}") from error
        except BadReplyError:
            raise from_worker(f"invalid_input: {word}") from None

    with Written() as written:
        try:
            fails()
        except FrameFleetError as error:
            error.add_note(word)
            log.warning("%s", error, exc_info=error)
    said = str(written)
    assert word not in said.lower()
    assert said.startswith("WARNING RefusedError: invalid_input\n")
    for name in ("KeyError", "BadReplyError", "RefusedError", "in fails", "test_logs.py"):  # where, and of what kind
        assert name in said


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (UnreachableError("the service answered 503"), "UnreachableError: the service answered 503"),
        (FileNotFoundError(2, "No such file", "clip.mp4"), "FileNotFoundError: [2] No such file: clip.mp4"),
        (FileNotFoundError(2, "No such file", "a\nb\x1b"), r"FileNotFoundError: [2] No such file: a\nb\x1b"),
        (sqlite3.OperationalError("database is locked"), "OperationalError: database is locked"),
        (OutputError("out: the disk is full"), "OutputError: out: the disk is full"),
        (WorkerError("out_of_memory", "of Hello"), "WorkerError: out_of_memory"),
        (from_worker("Hello: there"), "JobFailedError"),
        (OSError("Hello"), "OSError"),
        (ValueError("Hello"), "ValueError"),
    ],
)
def test_what_is_said_of_an_error(error: Exception, shown: str) -> None:
    assert named(error) == shown


def test_an_error_that_is_made_of_another_does_not_say_that_ones_words() -> None:
    error = OutputError("the journal cannot be used (ValueError: Hello)")
    error.__cause__ = ValueError("Hello")
    assert named(error) == "OutputError"


def test_a_line_is_one_line_whatever_a_file_is_called() -> None:
    with Written() as written:
        log.info("%s", Path("a\n2026-01-01 ERROR all is lost\x1b[2J.mp4"))
    assert str(written) == "INFO a\\n2026-01-01 ERROR all is lost\\x1b[2J.mp4\n"


def test_a_slip_in_a_line_of_the_log_ends_nothing() -> None:
    with Written() as written:
        log.info("%d frames", "many")  # type: ignore[str-format]
    assert str(written) == "INFO %d frames\n"


def test_the_library_sets_up_nothing_but_silence(capfd: pytest.CaptureFixture[str]) -> None:
    ours = logging.getLogger("framefleet")
    assert [type(handler) for handler in ours.handlers] == [logging.NullHandler]
    assert ours.level == logging.NOTSET and ours.propagate


def client() -> Iterator[tuple[Path, ast.AST]]:
    for path in SOURCES:
        if path.relative_to(ROOT / "src" / "framefleet").parts[0] not in NOT_OF_THE_CLIENT:
            yield path, ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.full
def test_every_logger_of_ours_is_harmless() -> None:
    """One that `logging` gives by itself would write what it is given."""
    allowed = {"logs.py", "log.py", "emulate.py", "rapid.py"}  # the last two: the emulator's, and another library's
    for path, tree in client():
        got = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "getLogger"]
        assert not got or path.name in allowed, path


@pytest.mark.full
def test_whatever_is_caught_without_being_expected_is_raised_again_or_logged_with_its_traceback() -> None:
    found = 0
    for path, tree in client():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
                names = {ast.unparse(argument) for argument in node.args}
                assert not names & {"Exception", "BaseException", "FrameFleetError", "FleetError"}, path
            if not isinstance(node, ast.ExceptHandler):
                continue
            kinds = ast.unparse(node.type) if node.type is not None else "BaseException"
            if not {"Exception", "BaseException"} & set(kinds.strip("()").split(", ")):
                continue
            found += 1
            raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
            logs = any(
                isinstance(inner, ast.Call) and any(keyword.arg == "exc_info" for keyword in inner.keywords)
                for inner in ast.walk(node)
            )
            assert raises or logs, f"{path}:{node.lineno}"
    assert found >= 20
