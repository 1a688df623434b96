"""Speech here and sounds on an endpoint want the sound in two formats: it is decoded for each, and both are counted."""

from collections.abc import Callable
from pathlib import Path

from pytest import approx

from framefleet.analysis import execute, prepare
from framefleet.config.loading import make_options
from framefleet.emulator.timed import TimedHandler
from tests.conftest import Service
from tests.media.make import make_video


def test_what_both_decodes_did_is_counted(tmp_path: Path, emulate: Callable[..., Service]) -> None:
    film = make_video(tmp_path / "film.mp4", frames=50, audio="aac")  # a tone, so that speech needs no model
    options = make_options({"stages": "speech,sounds", "output_dir": str(tmp_path), "fresh": True})
    document = execute(prepare(film, options, emulate(ast=TimedHandler(0, 0)).fleet))
    assert document.failures == []
    assert document.video.audio is not None
    assert document.timing.decode["sound"].done == approx(2 * document.video.audio.duration_s, rel=0.01)
