"""python scripts/process_video_parallel.py VIDEO [fps] [max_workers] [batch_size] [output_dir] [options…]

Objects and speech of a video in one JSON, by many requests at once. The same as `framefleet run`, whose options
it takes; defaults 1 5 16 output. Without arguments it runs on the clip in samples/.
"""

import sys

from environment import ROOT, enter
from positional import to_options

SAMPLE = ROOT / "samples" / "sample.mp4"


def main() -> None:
    enter()
    from framefleet.cli import main as framefleet

    if {"-h", "--help"} & set(sys.argv):
        print(__doc__)
    arguments = to_options(sys.argv[1:], ["fps", "max-workers", "batch-size", "output-dir"]) or [str(SAMPLE)]
    framefleet(["run", *arguments])


if __name__ == "__main__":
    main()
