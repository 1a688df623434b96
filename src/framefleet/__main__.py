"""`python -m framefleet`, and the command as it is installed."""

import os
import sys
from pathlib import Path


def command() -> None:
    """Runs the command line on its own environment's packages, and says in one line which of them does not load."""
    leave_others_out()
    try:
        from framefleet.cli import main
    except ImportError as error:
        from framefleet.install_hints import mend

        sys.exit("error: {}\nhint: {}".format(*mend(error)))
    main()


def leave_others_out() -> None:
    """Takes what PYTHONPATH names off the path: ROS, Blender or Maya set it, and their numpy would go before ours."""
    home = os.path.realpath(Path(__file__).parents[1])
    foreign = {os.path.realpath(path) for path in os.environ.pop("PYTHONPATH", "").split(os.pathsep) if path}
    sys.path[:] = [path for path in sys.path if os.path.realpath(path) not in foreign - {home}]
    if home in foreign:  # this package itself, which processes started by it are to find too
        os.environ["PYTHONPATH"] = home


if __name__ == "__main__":
    command()
