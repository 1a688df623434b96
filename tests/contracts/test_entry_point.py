"""A backend of another package: found by its entry point, chosen by its name, used for a whole run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from framefleet.analysis import execute, prepare
from framefleet.cli import main
from framefleet.config.endpoints import Fleet
from framefleet.config.loading import make_options
from framefleet.emulator.timed import TimedHandler
from framefleet.errors import SetupError
from framefleet.fleet.backends.registry import backends
from framefleet.stages.objects.stage import ObjectsStage
from framefleet.stages.sounds.stage import SoundsStage
from framefleet.stages.speech import vad
from framefleet.stages.speech.stage import SpeechStage
from framefleet.stages.text.stage import TextStage
from tests.cli.conftest import hears_hello, sees_a_person
from tests.media.make import make_video


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A distribution of another author's, as pip lays it down."""
    folder = tmp_path / "site" / "framefleet_pool-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: framefleet-pool\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[framefleet.backends]\npool = tests.contracts.pool:KIND\n")
    monkeypatch.syspath_prepend(str(folder.parent))
    backends.cache_clear()
    yield folder
    backends.cache_clear()


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stages' own handlers without a model; which were asked, and in what form."""
    forms: list[str] = []
    idle = TimedHandler(0, 0)

    def noting(handler: Any) -> Any:
        def asked(job: dict[str, Any]) -> Any:
            request = job["input"]
            forms.append(request["source"]["kind"] if "source" in request else request["format"])
            return handler(job)

        return asked

    answering = {ObjectsStage: sees_a_person, SpeechStage: hears_hello, SoundsStage: idle, TextStage: idle}
    for stage, handler in answering.items():
        monkeypatch.setattr(stage, "open_handler", lambda self, options, handler=handler: noting(handler))
        monkeypatch.setattr(stage, "missing", lambda self, options: None)
    monkeypatch.setattr(vad, "silero", lambda: lambda samples: [(0, len(samples))])
    return forms


@pytest.mark.usefixtures("installed")
def test_a_whole_run_on_another_packages_backend(handlers: list[str], tmp_path: Path) -> None:
    film = make_video(tmp_path / "film.mp4", frames=75, audio="aac")
    asked = {"stages": "objects,speech,sounds,text", "backend": "pool", "output_dir": str(tmp_path / "out")}
    document = execute(prepare(film, make_options(asked), Fleet()))
    assert document.failures == []
    assert [[thing.label for thing in picture.objects] for picture in document.detections or ()] == [["person"]] * 3
    assert document.transcription is not None
    assert document.transcription.text == "Hello"
    assert sorted(set(handlers)) == ["flac", "jpeg_frames"], "the forms that it takes, the best first"


@pytest.mark.usefixtures("handlers")
def test_the_command_line_takes_its_name(installed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = make_video(tmp_path / "film.mp4", frames=50)
    with pytest.raises(SystemExit) as ended:
        main(["plan", str(film), "--stages", "objects", "--backend", "pool"])
    assert ended.value.code == 0
    assert "1 in flight, pool" in capsys.readouterr().out


def test_one_that_is_broken_is_named(installed: Path) -> None:
    (installed / "entry_points.txt").write_text("[framefleet.backends]\npool = tests.contracts.pool:NOTHING\n")
    backends.cache_clear()
    with pytest.raises(SetupError, match=r"pool of tests\.contracts\.pool:NOTHING"):
        backends()
