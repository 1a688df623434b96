"""python scripts/process_video_parallel.py VIDEO [fps] [max_workers] [batch_size] [output_dir] [options…]

Analyze the objects, speech, sounds and text of a video into one JSON, with parallel requests. The same as
`framefleet run`, whose options it takes; defaults 1 5 16 output. Without arguments it analyzes the clip in samples/.
For several videos: .venv/bin/framefleet run A B
"""

import sys

from environment import ROOT, enter
from positional import to_options

SAMPLE = ROOT / "samples" / "sample.mp4"


def main() -> None:
    arguments = to_options(sys.argv[1:], ["fps", "max-workers", "batch-size", "output-dir"]) or [str(SAMPLE)]
    enter()
    from framefleet.cli import main as framefleet

    if {"-h", "--help"} & set(sys.argv):
        print(__doc__)
    framefleet(["run", *arguments])


if __name__ == "__main__":
    main()
