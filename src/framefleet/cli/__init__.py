"""The command line: `framefleet run`, `plan`, `doctor`. One file each; errors become one line and an exit code here."""

import contextlib
import os
import sys
from collections.abc import Sequence

import typer

from framefleet.cli.deploy import deploy
from framefleet.cli.doctor import doctor
from framefleet.cli.down import down
from framefleet.cli.endpoints import endpoints
from framefleet.cli.plan import plan
from framefleet.cli.run import run
from framefleet.errors import FrameFleetError, Interrupted

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="One JSON of what is seen and said in a video, by a fleet of GPU workers or on this machine.",
)
app.command()(run)
app.command()(plan)
app.command()(doctor)
app.command()(deploy)
app.command()(endpoints)
app.command()(down)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits. `arguments` are those after the program's name (default: `sys.argv`)."""
    try:
        code = app(args=arguments, prog_name="framefleet", standalone_mode=False)
    except typer.Exit as done:
        code = done.exit_code
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the one place where errors end
        code = _told(error)
    sys.stdout.flush()
    if code == Interrupted.exit_code:
        os._exit(code)  # a model at work in a thread would keep the interpreter for as long as it takes
    sys.exit(code)


def _told(error: BaseException) -> int:
    """Prints what went wrong in one line and gives the exit code."""
    show = getattr(error, "show", None)  # click's own usage errors know how to print themselves
    if show is not None:
        with contextlib.suppress(OSError):
            show()
        return int(getattr(error, "exit_code", 2))
    if isinstance(error, KeyboardInterrupt) or type(error).__name__ == "Abort":
        error = Interrupted("interrupted; run the same command again to do it anew")
    if isinstance(error, FrameFleetError):
        print(f"framefleet: {error}", file=sys.stderr)
        return error.exit_code
    if os.environ.get("FRAMEFLEET_DEBUG"):
        raise error
    line = " ".join(f"{type(error).__name__}: {error}".split())
    print(f"framefleet: a fault of this program: {line} (FRAMEFLEET_DEBUG=1 shows where)", file=sys.stderr)
    return 1
