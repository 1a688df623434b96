import functools
import io
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from framefleet.cli.output.summary import NOTICED_S, summary, waited
from framefleet.cli.output.table import Page
from framefleet.schema.cost import Backend, Cost
from framefleet.schema.document import Document, FailureEntry
from framefleet.schema.objects import DetectedObject, Detection
from framefleet.schema.sounds import SoundEvent, Sounds
from framefleet.schema.speech import Segment, Transcription
from framefleet.schema.text import TextResult, TextSpan
from framefleet.schema.timing import StageTiming
from framefleet.timebase import Span
from tests.cli.terminal import Terminal, page, widths
from tests.conftest import full_but
from tests.results.make import make_document

HOSTILE = "\x1b[31mcat\n\u202eend[/red]"


def cost(first_delay_s: float) -> Cost:
    made = make_document().cost
    stages = {n: replace(s, first_delay_s=first_delay_s) for n, s in made.stages.items()}
    return replace(made, stages=stages)


def thing(label: str) -> DetectedObject:
    return DetectedObject(0, label, 0.9, (0.0, 0.0, 1.0, 1.0))


@functools.cache
def two_hours() -> Document:
    """Many labels with long and hostile names, all parts of a run, and long lines."""
    labels = [HOSTILE, "a label that is far too long for any table to hold", *(f"label {n}" for n in range(30))]
    made = make_document()
    busy = StageTiming(busy_s=12345.6, waiting_s=2345.6, done=7200, per_s=123.4, queue_mean=12.3)
    names = ("objects", "speech", "sounds", "text", "scenes", "tracks")
    return replace(
        made,
        video=replace(made.video, duration_s=7200.0, path=f"folder/{HOSTILE}.mp4"),
        detections=[
            Detection(n, float(n), float(n), [thing(label) for label in labels[: n % 33]]) for n in range(7200)
        ],
        sounds=Sounds(0.3, [SoundEvent("Inside, large room or hall", 1, 0.0, 7200.0, 0.9, 0.9)]),
        text=TextResult([TextSpan("猫" * 200, 3.0, 4.0, (0.0, 0.0, 1.0, 1.0), 0.9, 1)], 1, 0, 0),
        timing=replace(
            made.timing,
            decode={"pictures": busy, "sound": busy},
            stages=dict.fromkeys(names, busy),
            advice="decode was 4.1 × slower than the rest: try --sampling keyframes",
        ),
        failures=[FailureEntry(stage="objects", items=[1], error=f"why {HOSTILE}" * 20, attempts=2)],
        cost=cost(23.4),
    )


def plain(document: Document, **options: Any) -> list[str]:
    out = io.StringIO()
    summary(document, Path("out/clip_results.json"), Page(out), **options)
    return out.getvalue().splitlines()


def test_a_cold_start_that_was_noticed_is_told() -> None:
    assert waited(cost(23.44)) == "23.4 s for a cold start on objects"
    assert waited(cost(NOTICED_S / 2)) == ""


def test_everything_is_in_it() -> None:
    assert plain(make_document()) == [
        "clip.mp4: 2.0 s, 2 frames",
        "                     count  tracks   first    last  over time",
        "  seen       person      1       1  0:00.0  0:00.0  ###############???????????????",
        "  heard      Speech      1          0:00.0  0:00.5  ########......................",
        "  scenes     1, from 0:00.0",
        "  said       Hello",
        "  failed     objects: 1 frame; lost",
        "             speech: 1 stretch of audio; noise",
        "  took       1.0 s, $0.0000 (estimated $0.1000; sequential $0.0000)",
        "                       busy  waiting",
        "  time       decode   0.2 s    0.3 s",
        "             objects  0.5 s    0.1 s",
        "  bottleneck objects (average parallelism 0.7)",
        f"  results    {Path('out/clip_results.json')}",
    ]


@pytest.mark.parametrize(
    ("backends", "told"),
    [
        (("local", "local"), "$0 (on this machine)"),
        (("local", "runpod"), "$0.0000 (estimated $0.1000; sequential $0.0000)"),
        (("runpod", "api"), "$0.0000 plus the transcription API's bill"),
    ],
)
def test_what_it_cost(backends: tuple[Backend, Backend], told: str) -> None:
    made = make_document()
    like = made.cost.stages["objects"]
    stages = {
        name: replace(like, backend=b, remote=b != "local", billed=b == "runpod")
        for name, b in zip(("objects", "speech"), backends, strict=True)
    }
    assert f"  took       1.0 s, {told}" in plain(replace(made, cost=replace(made.cost, stages=stages)))


def test_what_all_runs_cost_is_told_where_this_one_paid_less() -> None:
    made = make_document()
    cost = replace(made.cost, usd=0.002, usd_all_runs=0.0064)
    told = "$0.0020 in this run and $0.0064 in all runs (estimated $0.1000; sequential $0.0000)"
    assert f"  took       1.0 s, {told}" in plain(replace(made, cost=cost))
    alone = plain(replace(made, cost=replace(cost, usd_all_runs=0.002)))
    assert "  took       1.0 s, $0.0020 (estimated $0.1000; sequential $0.0000)" in alone


def test_what_a_stage_knows_of_its_pace_is_told() -> None:
    made = make_document()
    objects = StageTiming(busy_s=2.0, waiting_s=0.0, done=25, per_s=12.5, queue_mean=1.25)
    speech = StageTiming(busy_s=1.0, waiting_s=0.0, done=24.36, per_s=24.36)
    lines = plain(replace(made, timing=replace(made.timing, stages={"objects": objects, "speech": speech})))
    head = next(number for number, line in enumerate(lines) if "busy" in line)
    assert lines[head].split() == ["busy", "waiting", "done", "per", "second", "queue"]
    assert lines[head + 2].split() == ["objects", "2.0", "s", "0.0", "s", "25", "12.5", "1.2"]
    assert lines[head + 3].split() == ["speech", "1.0", "s", "0.0", "s", "24", "s", "24.4"]


@pytest.mark.parametrize("width", full_but([24, 80, 250], [24, 32, 40, 60, 79, 80, 81, 100, 140, 250]))
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_it_fits_the_terminal(width: int, encoding: str) -> None:
    terminal = Terminal(encoding)
    terminal.reconfigure(errors="backslashreplace")  # as the command line does
    summary(two_hours(), Path("out.json"), page(terminal, width))
    fitting = [line for line in terminal.lines()[1:] if "\\u" not in line]  # the title is the terminal's to fold
    assert max(widths(fitting)) <= width
    assert terminal.lines()[-1] == "  results    out.json"


def test_at_eighty_columns_nothing_is_left_out() -> None:
    terminal = Terminal()
    summary(two_hours(), Path("out.json"), page(terminal, 80))
    text = "\n".join(terminal.lines())
    for title in ("count", "first", "last", "over time", "busy", "waiting", "done", "per second", "queue"):
        assert title in text
    assert "▁" in text
    assert "\x1b" in terminal.text()


def test_nothing_hostile_gets_through() -> None:
    terminal = Terminal()
    summary(two_hours(), Path("out.json"), page(terminal, 100))
    assert "[31mcat end[/red]" in "\n".join(terminal.lines())
    assert "\x1b[31mcat" not in terminal.text()
    assert "\u202e" not in terminal.text()


@pytest.mark.full
def test_a_run_tells_the_commonest_labels_and_show_all_of_them() -> None:
    assert sum("label " in line for line in plain(two_hours())) == 9
    assert "  22 more seen; framefleet show lists them" in [
        line.replace("           ", "") for line in plain(two_hours())
    ]
    assert sum("label " in line for line in plain(two_hours(), everything=True)) == 31


def test_of_sound_alone() -> None:
    made = make_document()
    video = replace(made.video, width=0, height=0, codec="", fps=0.0, frame_count=0)
    sound = {"detections": None, "tracks": None, "scenes": None, "failures": made.failures[1:]}
    lines = plain(replace(made, video=video, **sound))
    assert lines[0] == "clip.mp4: 2.0 s, audio only"
    assert lines[1].split() == ["count", "first", "last", "over", "time"]
    assert not any(line.startswith("  seen") for line in lines)


def test_nothing_was_found() -> None:
    made = make_document()
    document = replace(
        made,
        detections=[Detection(0, 0.0, 0.0, [])],
        transcription=None,
        tracks=None,
        sounds=None,
        scenes=None,
        failures=[],
        timing=replace(made.timing, decode={}, stages={}, bottleneck=None),
    )
    lines = plain(document)
    assert [line.split()[0] for line in lines] == ["clip.mp4:", "seen", "said", "took", "results"]
    assert lines[1:3] == ["  seen       nothing", "  said       not transcribed"]


def test_what_failed_is_told_by_stage_and_not_as_nothing() -> None:
    made = make_document()
    failures = [
        FailureEntry(stage="objects", items=[0, 1], error="lost", attempts=2),
        *(FailureEntry(stage="speech", span_s=Span(0.5, n), error=f"noise {n}", attempts=0) for n in (1.0, 2.0)),
        FailureEntry(stage="sounds", error="deaf", attempts=1),
        FailureEntry(stage="text", items=[0], error="blind", attempts=1),
        FailureEntry(stage="scenes", span_s=Span(0.5, 2), error="damaged", attempts=0),
    ]
    detections = [Detection(n, float(n), None, None) for n in (0, 1)]
    bare = replace(made, transcription=None, sounds=None, text=None, scenes=None, tracks=None, failures=failures)
    lines = plain(replace(bare, detections=detections))
    assert lines[1:12] == [
        "  seen       failed",
        "  heard      failed",
        "  written    failed",
        "  scenes     failed",
        "  said       failed",
        "  failed     objects: 2 frames; lost",
        "             speech: 2 stretches of audio; first of 2 errors: noise 1.0",
        "             sounds: deaf",
        "             text: 1 frame; blind",
        "             scenes: 1 stretch of video; damaged",
        "  took       1.0 s, $0.0000 (estimated $0.1000; sequential $0.0000)",
    ]
    in_part = replace(made, detections=[Detection(0, 0.0, 0.0, []), detections[1]], failures=failures[:2])
    assert plain(in_part)[3:6] == ["  seen       nothing", "  scenes     1, from 0:00.0", "  said       Hello"]


def test_what_had_nothing_to_do_took_no_time() -> None:
    made = make_document()
    idle, busy = StageTiming(busy_s=0.0, waiting_s=0.0), StageTiming(busy_s=1.0, waiting_s=0.0)
    timing = replace(
        made.timing, decode={"sound": busy}, prefilter={"speech": busy}, stages={"objects": idle, "speech": busy}
    )
    rows = [
        line[11:].rsplit("1.0", 1)[0].strip()
        for line in plain(replace(made, timing=timing))
        if "1.0 s    0.0 s" in line
    ]
    assert rows == ["decode sound", "prefilter speech", "speech"]
    all_known = replace(made.timing, decode={}, stages={"objects": idle})
    assert not any("busy" in line for line in plain(replace(made, timing=replace(all_known, bottleneck=None))))


def test_other_languages_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    segments = [Segment(n, n + 1.0, text, -0.2, 0.1, language=of) for n, (text, of) in enumerate(SAID)]
    made = make_document()
    text = " ".join(text for text, _ in SAID)
    summary(replace(made, transcription=Transcription("en", text, segments)), Path("a_results.json"))
    assert "Hello Hallo ¡Hola! (also in de, es)" in capsys.readouterr().out


SAID = (("Hello", "en"), ("Hallo", "de"), ("¡Hola!", "es"))
