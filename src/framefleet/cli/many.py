"""`framefleet run` for several videos: a row per video as it finishes, then a table of all and `corpus.json`."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from framefleet.cancel import CancelScope
from framefleet.cli.options.videos import LeftOut, Row, exit_code, overview
from framefleet.cli.output.bars import Bars, Lines
from framefleet.cli.output.format import as_told
from framefleet.cli.output.videos import VideoProgress
from framefleet.config.options import Options
from framefleet.errors import FrameFleetError, Interrupted, explain
from framefleet.executors.base import Executor, VideoOutcome
from framefleet.logs import logger
from framefleet.pipeline.executor import INTERRUPTED_S
from framefleet.results.assemble.document import as_text
from framefleet.schema.corpus import VideoRow
from framefleet.schema.document import Document
from framefleet.session import Session
from framefleet.storage.corpus import CorpusFile

log = logger(__name__)


def run_many(
    session: Session,
    videos: Sequence[Path],
    options: Options,
    *,
    at_once: int | Literal["auto"],
    engine: str | Executor,
    left_out: Sequence[LeftOut],
    verbose: bool,
    sequential: bool,
    then: Callable[[Document, Path, Path], None],
) -> int:
    """Analyze the videos and return the exit code: the common one, or 3 if they ended differently.

    `then` is called with each document, its path and its video. Entries of folders that look like videos and were left
    out are rows too.
    """
    corpus, ended, codes = CorpusFile(options.output_dir), list[VideoOutcome](), set[int]()
    for one in left_out:
        if one.looks_like_video:
            corpus.add(VideoRow(video=as_text(one.path), status="failed", error=f"skipped: {one.why}"))
    lines = (lambda name: Lines(video=name)) if sequential else partial(_lines, verbose)
    scope = CancelScope()
    try:
        with VideoProgress(videos, lines, verbose=verbose or sequential) as progress, ctrl_c_cancels(scope):
            outcomes = session.outcomes(
                videos, options, at_once=at_once, engine=engine, on_event=progress, cancel=scope
            )
            with closing(outcomes):
                for outcome in outcomes:
                    ended.append(replace(outcome, document=None))  # those of 1,000 videos would fill the memory
                    progress.finished(outcome)
                    (corpus.add_unless_known if outcome.cancelled else corpus.add)(outcome.row)
                    codes.add(_further(outcome, then))
    finally:  # also if an error ended the command
        rows = [Row(one.task.video, _result(one), one.usd, one.path) for one in ended]
        overview(sorted(videos), rows, left_out=left_out)
        corpus.write()
    if scope.error is not None:
        kept = sum(one.error is None for one in ended)
        raise Interrupted(
            f"{scope.error.message}: {kept} of {len(videos)} videos done; all answers are kept",
            hint="run the same command again to resume",
        )
    return exit_code(codes.pop() if len(codes) == 1 else 3, left_out)


def _further(outcome: VideoOutcome, then: Callable[[Document, Path, Path], None]) -> int:
    """Print a video's error, or do what comes after its document, and return its exit code.

    An error of that, such as of a report that cannot be written, stops no other video.
    """
    try:
        if outcome.error is None and outcome.path is not None and isinstance(document := outcome.result, Document):
            then(document, outcome.path, outcome.task.video)
    except FrameFleetError as error:
        log.info("%s: what comes after its document failed", outcome.task.video, exc_info=error)
        sys.stderr.write(_error(outcome.task.video, error))
        return error.exit_code
    if outcome.error is not None and not outcome.cancelled:
        sys.stderr.write(_error(outcome.task.video, outcome.error))
    return outcome.exit_code


def _lines(verbose: bool, name: str) -> Bars:
    return Bars(verbose=verbose, video=name)


def _error(video: Path, error: FrameFleetError) -> str:
    """Return the error as shown on the terminal; it names the video."""
    what, hint = explain(error)
    return as_told(what if video.name in what else f"{video}: {what}", hint)


def _result(outcome: VideoOutcome) -> str:
    return "not done" if outcome.cancelled or not outcome.seconds else outcome.row.status


@contextmanager
def ctrl_c_cancels(scope: CancelScope) -> Iterator[None]:
    """Let Ctrl-C cancel the scope, whichever code is running; a second one is raised as `KeyboardInterrupt`."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def cancel(*_: object) -> None:
        signal.signal(signal.SIGINT, before)
        scope.cancel(Interrupted("interrupted"), drain_s=INTERRUPTED_S)

    signal.signal(signal.SIGINT, cancel)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
