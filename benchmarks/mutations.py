"""Remove ten features, one at a time, and list the tests that fail.

    python benchmarks/mutations.py [--tree FOLDER] [--name NAME] [--of FEATURE …]
    python benchmarks/mutations.py --compare BEFORE AFTER

Each feature is removed in a copy of the tree, and the related tests of both tiers are run, without those in a browser
or on GPU engines, always with the same examples. Failures are written to `results/<NAME>.json`, with those of the fast
tier. `--compare` lists tests that failed in only one of two such files, to check that a change to the tests loses no
coverage.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from record import RESULTS, record

ROOT = Path(__file__).parents[1]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", "__pycache__", ".*_cache", ".hypothesis", "*.xml")
TEST_TIMEOUT_S = 150  # what is taken out may be what ends a wait


@dataclass(frozen=True)
class Feature:
    """`line` of `file`, under src/framefleet, is what does it; with `instead` of it, of `tests` some must fail."""

    name: str
    file: str
    line: str
    instead: str
    tests: Sequence[str]


FEATURES = (
    Feature(
        "an answer is kept in the journal",
        "fleet/execution/claims.py",
        "        self._write(lambda: self._use().keep(rows))\n",
        "        self._write(lambda: self._use().keep({}))\n",
        ["fleet", "journal", "faults/test_ended.py", "faults/test_frozen_pictures.py", "faults/test_resume.py"],
    ),
    Feature(
        "a batch that is too large is halved",
        "fleet/execution/delivery.py",
        "return self._stage.split(parcel) if error.advice is Advice.SPLIT or poisoned else [parcel]",
        "return self._stage.split(parcel) if poisoned else [parcel]",
        ["fleet", "faults/test_faults.py", "cli/test_fleet_failures.py", "test_api.py"],
    ),
    Feature(
        "a service that is away is waited for",
        "fleet/execution/retry.py",
        "AGAIN = frozenset({Advice.RETRY, Advice.WAIT})",
        "AGAIN = frozenset({Advice.RETRY})",
        ["fleet", "faults/test_faults.py", "cli/test_fleet_failures.py"],
    ),
    Feature(
        "pictures that wanted ones refer to are decoded",
        "media/video/codecs/h264_references.py",
        "            needed |= coded[place].refers\n",
        "            pass\n",
        ["media/test_orders.py", "media/test_decode.py", "media/test_damage.py", "media/test_h264.py"],
    ),
    Feature(
        "pictures are turned upright",
        "media/video/orientation.py",
        "        return np.rot90(coded[:, ::-1] if self.mirrored else coded, self.rotation // 90)\n",
        "        return coded\n",
        ["media/test_turn.py", "media/test_probe.py", "media/test_decode.py", "media/test_encode.py", "outputs/render"],
    ),
    Feature(
        "a cue ends where the next begins",
        "results/query/cues.py",
        "min(max(cue.end_s, start_s + SHORTEST_S), end_s)",
        "max(cue.end_s, start_s + SHORTEST_S)",
        ["results/test_cues.py", "outputs/export/test_subtitles.py", "outputs/render/test_film.py"],
    ),
    Feature(
        "a cut is where the encoder saw it",
        "stages/scenes/cuts.py",
        "    if last >= 0 and marks[last] > cut.after_s + _SAME_S:\n",
        "    if last < 0 and marks:\n",
        ["stages/scenes", "cli/test_stages.py", "pipeline"],
    ),
    Feature(
        "gaps in the sound that lie near are one",
        "media/audio/gaps.py",
        "if last is not None and gap.span.start_s - last.span.end_s < APART_S:",
        "if last is not None and gap == last:",
        ["media/test_sound_gap.py", "media/test_audio.py", "stages/speech/test_stage.py", "pipeline"],
    ),
    Feature(
        "a run stops at its budget",
        "fleet/billing/budget.py",
        "    if usd > max_usd:\n",
        "    if usd < 0:\n",
        ["fleet", "faults/test_resume.py", "faults/test_ended.py"],
    ),
    Feature(
        "a cell is never a formula",
        "outputs/export/table_files.py",
        'return _PLACES.sub("\'", value) if isinstance(value, str) and _SUSPECT.search(value) else value',
        "return value",
        ["outputs/export/test_tables.py", "cli/test_export.py"],
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=Path, default=ROOT, help="a checkout (default: this one)")
    parser.add_argument("--name", default="mutations")
    parser.add_argument("--of", nargs="+", default=[feature.name for feature in FEATURES], metavar="FEATURE")
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("BEFORE", "AFTER"))
    args = parser.parse_args()
    if args.compare:
        compare(*(json.loads(path.read_text(encoding="utf-8"))["figures"] for path in args.compare))
        return
    kept = RESULTS / f"{args.name}.json"
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))["figures"] if kept.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(args.tree, Path(folder, "tree"), ignore=LEFT_OUT))
        fast = set(ids_of(collected(copy)))
        for feature in FEATURES:
            if feature.name in args.of:
                failed = without(feature, copy)
                found[feature.name] = {"failed": failed, "of them in the fast tier": sorted(set(failed) & fast)}
                record(args.name, found)


def without(feature: Feature, tree: Path) -> list[str]:
    """Return the tests that fail in `tree` without the feature."""
    path = tree / "src" / "framefleet" / feature.file
    text = path.read_text(encoding="utf-8")
    if text.count(feature.line) != 1:
        sys.exit(f"{feature.file}: {feature.line.strip()!r} is there {text.count(feature.line)} times")
    path.write_text(text.replace(feature.line, feature.instead), encoding="utf-8")
    began = time.monotonic()
    try:
        return failures(tree, [f"tests/{name}" for name in feature.tests])
    finally:
        path.write_text(text, encoding="utf-8")
        print(f"  {time.monotonic() - began:.0f} s", file=sys.stderr)


def failures(tree: Path, tests: list[str]) -> list[str]:
    """Return the ids of the tests that fail or cannot be run, in a stable order."""
    report = tree / "report.xml"
    report.unlink(missing_ok=True)
    options = ["-n", "2", "--dist", "worksteal", "--tb=no", f"--timeout={TEST_TIMEOUT_S}", "--hypothesis-seed=0"]
    said = pytest(
        tree,
        *options,
        f"--junitxml={report}",
        "-o",
        "junit_family=xunit1",
        "-m",
        "not browser and not gpu_engines",
        *tests,
    )
    if not report.exists():
        sys.exit(f"pytest could not run {' '.join(tests)}: {said.strip()[-2000:]}")
    failed = []
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(f"{case.get('file')}::{case.get('name')}")
    return sorted(set(failed))


def collected(tree: Path) -> str:
    """Return the tests in the fast tier, or all tests of versions without one."""
    options = ["-o", "addopts=--import-mode=importlib", "--collect-only", "-q", "-W", "ignore"]
    return pytest(tree, *options, "-m", "not full and not browser and not gpu_engines")


def ids_of(said: str) -> Iterable[str]:
    return (line for line in said.splitlines() if re.match(r"tests/\S+\.py::", line))


def pytest(tree: Path, *arguments: str) -> str:
    environ = os.environ | {"PYTHONPATH": str(tree / "src")}
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=tree, env=environ, capture_output=True, encoding="utf-8", check=False).stdout


def compare(before: dict[str, Any], after: dict[str, Any]) -> None:
    for name in before:
        one, other = (set(figures[name]["failed"]) for figures in (before, after))
        print(f"{name}: {len(one)} before, {len(other)} after")
        for test in sorted(one ^ other):
            print(f"  {'before' if test in one else 'after'} alone: {test}")


if __name__ == "__main__":
    main()
