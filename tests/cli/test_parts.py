"""`run --from --to`, `--sampling ends` and `--dense-first`: only what was chosen is looked at, paid for and told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framefleet.schema.document import Document
from framefleet.timebase import Span
from tests.cli.conftest import Told, hears_hello, sees_a_person
from tests.media.make import make_video

Cli = Callable[..., Told]
Sent = dict[str, list[float]]


@pytest.fixture
def sent(fleet: Any) -> Sent:
    """What reaches the endpoints: times of frames, seconds of sound."""
    seen: Sent = {"frames": [], "sound": []}

    def yolo(job: dict[str, Any]) -> dict[str, Any]:
        seen["frames"] += [frame["time_s"] for frame in job["input"]["source"]["frames"]]
        return sees_a_person(job)

    def whisper(job: dict[str, Any]) -> dict[str, Any]:
        seen["sound"].append(job["input"]["duration_s"])
        return hears_hello(job)

    fleet(yolo=yolo, whisper=whisper)
    return seen


@pytest.mark.full
def test_a_part_is_all_that_is_sent_and_the_rest_follows_without_it(
    cli: Cli, video: Path, sent: Sent, document: Callable[[], Document]
) -> None:
    told = cli("run", video, "--from", "0:01", "--to", "3.5", "--stages", "objects,speech,scenes,tracks")
    assert told.code == 0, told.err
    assert (sorted(sent["frames"]), sent["sound"]) == ([1, 2, 3], [2.5])
    made = document()
    assert [(one.index, one.time_s) for one in made.detections or ()] == [(0, 1.0), (1, 2.0), (2, 3.0)]
    assert made.transcription is not None and made.transcription.segments[0].start_s == 1.0
    assert made.scenes and (made.scenes[0].start_s, made.scenes[-1].end_s) == (1.0, 3.5)
    assert made.config.parts == [Span(1.0, 3.5)]
    assert cli("run", video).code == 0
    assert sorted(sent["frames"]) == [0, 1, 2, 3, 4, 5]  # what is answered already is not asked again
    assert len(sent["sound"]) == 2 and sent["sound"][1] > 5.9


@pytest.mark.full
def test_the_first_seconds_are_looked_at_closely(cli: Cli, video: Path, sent: Sent) -> None:
    assert cli("run", video, "--dense-first", 1, "--no-speech").code == 0
    assert sorted(sent["frames"]) == [0, 0.25, 0.5, 0.75, 1, 2, 3, 4, 5]


@pytest.mark.full
def test_the_ends_of_a_long_video(cli: Cli, sent: Sent, tmp_path: Path, document: Callable[[], Document]) -> None:
    video = make_video(tmp_path / "long.mp4", frames=50, fps=1, audio="aac")
    told = cli("run", video, "--sampling", "ends", "--stages", "objects,speech,tracks")
    assert told.code == 0, told.err
    assert sorted(sent["frames"]) == [*range(10), *range(20, 30), *range(40, 50)]
    assert sent["sound"] == pytest.approx([10, 10, 10], abs=0.1)
    made = document()
    assert made.config.sampling == "exact"
    assert made.tracks is not None  # one person, three times: nobody looked in between
    assert [(track.start_s, track.end_s) for track in made.tracks.tracks] == [(0, 9), (20, 29), (40, 49)]
    assert (
        "parts    0:00.0 to 0:10.0, 0:20.0 to 0:30.0, 0:40.0 to 0:50.0" in cli("plan", video, "--sampling", "ends").out
    )


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (["--from", "9"], "error: --from 9: the video ends at 6 s"),
        (["--from", "3", "--to", "2"], "error: --to 2: not after the start, 3 s"),
        (["--from", "soon"], "error: --from soon: not a time; write it as 12.5, 1:02.5 or 1:02:03"),
    ],
)
def test_a_part_that_is_not_there_is_refused(cli: Cli, video: Path, given: list[str], line: str) -> None:
    told = cli("run", video, *given)
    assert (told.code, told.line) == (2, line)
