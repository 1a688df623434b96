#!/usr/bin/env bash
# ./process_parallel.sh VIDEO [fps] [max_workers] [batch_size] [output_dir] [options…]
# Sets itself up on first use, then does the whole job; without arguments on the clip in samples/. --help tells the rest.
set -eu

me="$0"
while [ -L "$me" ]; do # a link to this file may lie anywhere; macOS has had `readlink -f` only since 12.3
  target="$(readlink -- "$me")"
  case "$target" in
    /*) me="$target" ;;
    *) me="$(dirname -- "$me")/$target" ;;
  esac
done
here="$(CDPATH='' cd -- "$(dirname -- "$me")" && pwd)"
exec "$here/scripts/python" "$here/scripts/process_video_parallel.py" "$@"
