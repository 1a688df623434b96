"""`python -m framefleet`, and the entry point of the installed command."""

import os
import sys
from pathlib import Path


def command() -> None:
    """Run the command line with its own environment's packages; report one that fails to load in one line."""
    leave_others_out()
    try:
        from framefleet.cli import main
    except ImportError as error:
        from framefleet.install_hints import mend

        sys.exit("error: {}\nhint: {}".format(*mend(error)))
    main()


def leave_others_out() -> None:
    """Remove the folders of PYTHONPATH from `sys.path`: ROS, Blender and Maya set it, and their numpy would be used."""
    home = os.path.realpath(Path(__file__).parents[1])
    foreign = {os.path.realpath(path) for path in os.environ.pop("PYTHONPATH", "").split(os.pathsep) if path}
    sys.path[:] = [path for path in sys.path if os.path.realpath(path) not in foreign - {home}]
    if home in foreign:  # this package itself, which its subprocesses must find too
        os.environ["PYTHONPATH"] = home


if __name__ == "__main__":
    command()
