"""python scripts/process_video.py VIDEO [fps] [output_dir] [options…]

Analyze a video sequentially, as a baseline: one frame per request, one request at a time. The same as
`framefleet run --sequential`, whose options it takes; defaults 1 output. Without arguments it analyzes the clip in
samples/.
"""

import sys

from environment import ROOT, enter
from positional import to_options

SAMPLE = ROOT / "samples" / "sample.mp4"


def main() -> None:
    arguments = to_options(sys.argv[1:], ["fps", "output-dir"]) or [str(SAMPLE)]
    enter()
    from framefleet.cli import main as framefleet

    if {"-h", "--help"} & set(sys.argv):
        print(__doc__)
    framefleet(["run", "--sequential", *arguments])


if __name__ == "__main__":
    main()
