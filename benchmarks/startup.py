"""CPU seconds for the start of commands, and of `run` until its first line: user and system time, median of seven."""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from framefleet.schema.codec import encode
from record import record
from report_document import make_document

SAMPLE = Path(__file__).parents[1] / "samples" / "sample.mp4"
TURNS = 7
HELP = ("run", "plan", "report", "show", "render", "export", "doctor", "emulate", "deploy", "endpoints", "bill", "down")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "clip_results.json"
        result.write_bytes(encode(make_document(seconds=60, boxes=600, words=150)))
        figures = {
            "turns": TURNS,
            "cpu_s of python -c pass": of([sys.executable, "-I", "-c", "pass"]),
            "cpu_s of --version": of(command("--version")),
            "cpu_s of --help": of(command("--help")),
            **{f"cpu_s of {name} --help": of(command(name, "--help")) for name in HELP},
            "cpu_s of show": of(command("show", str(result))),
            "cpu_s of run until its first line": of(command("run", str(SAMPLE), "--output-dir", folder), to_line=True),
        }
    record("startup", figures)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-I", "-m", "framefleet", *arguments]


def of(command: list[str], *, to_line: bool = False) -> float:
    one(command, to_line=to_line)  # a warm-up, which fills the system's file cache
    return round(statistics.median(one(command, to_line=to_line) for _ in range(TURNS)), 3)


def one(command: list[str], *, to_line: bool) -> float:
    """Return the seconds of the process until it ends, or until its first line on standard error, when it is killed."""
    before = spent()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        if to_line:
            process.stderr.readline()
            process.kill()
        else:
            process.stderr.read()
    return spent() - before


def spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    os.environ["COLUMNS"] = "100"
    main()
