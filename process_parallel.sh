#!/usr/bin/env bash
# ./process_parallel.sh VIDEO [fps] [max_workers] [batch_size] [output_dir] [options…]
# Sets itself up on first use, then does the whole job; without arguments on the clip in samples/. --help tells the rest.
set -eu

here="$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)"
exec "$here/scripts/python" "$here/scripts/process_video_parallel.py" "$@"
