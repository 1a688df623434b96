"""The command line. Each command loads from its own module when called; errors become a message and an exit code."""

import contextlib
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Annotated

import typer

from framefleet import __version__
from framefleet.cli.help import Group
from framefleet.cli.log import close_log, log_hint
from framefleet.cli.output.format import as_told
from framefleet.errors import FrameFleetError, Interrupted, describe, explain
from framefleet.logs import logger

log = logger(__name__)

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Turn videos into one JSON each: objects, speech, sounds, text and scenes, on serverless GPUs or locally.",
)


def _version(asked: bool) -> None:
    if asked:
        print(f"framefleet {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="show the version and exit")
    ] = False,
) -> None:
    """Options before the command."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit. `arguments` are those after the program's name (default: `sys.argv`)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for characters that the terminal cannot encode
    try:
        code = app(args=arguments, prog_name="framefleet", standalone_mode=False)
    except typer.Exit as done:
        code = done.exit_code
    except BrokenPipeError:
        code = _unread()
    except (Exception, KeyboardInterrupt) as error:  # the one place where errors end
        log.info("ended by %s", error, exc_info=error)
        code = _told(error)
    finally:
        close_log()
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    if code == Interrupted.exit_code:
        os._exit(code)  # a model running in a thread would delay the interpreter's exit
    sys.exit(code)


def _told(error: BaseException) -> int:
    """Report the error and return the exit code."""
    if isinstance(error, KeyboardInterrupt) or type(error).__name__ == "Abort":
        error = Interrupted("interrupted", hint="run the same command again to resume")
    if isinstance(error, FrameFleetError):
        return _say(*explain(error), code=error.exit_code)
    if hasattr(error, "format_message"):  # an error of the command line parser
        return _usage(error)
    if os.environ.get("FRAMEFLEET_DEBUG"):
        raise error
    if isinstance(error, ImportError):
        from framefleet.install_hints import culprit, mend

        if culprit(error)[0] != "framefleet":
            return _say(*mend(error))
    return _say(describe(error), log_hint())


def _usage(error: BaseException) -> int:
    """Report what is wrong with the command line, or print the help if there are no arguments."""
    context = getattr(error, "ctx", None)
    message = error.format_message()  # type: ignore[attr-defined]
    if type(error).__name__ == "NoArgsIsHelpError":
        print(message, file=sys.stderr)
        return 2
    command = getattr(context, "command_path", "framefleet")
    return _say(message.rstrip("."), f"see {command} --help", code=2)


def _say(what: str, hint: str | None = None, *, code: int = 1) -> int:
    # in one write, since other threads may print too
    sys.stderr.write(as_told(what, hint))
    return code


def _unread() -> int:
    """Discard further output after the reader closed the pipe, as `| head` does; exit code 0."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
