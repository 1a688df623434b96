"""Of several tracks in a language, the one that is meant."""

from pathlib import Path

import pytest
from av.stream import Disposition

from framefleet.media.files.audio_track import choose_track
from framefleet.media.files.container import open_media
from tests.media.odd import Track, make_tracks
from tests.media.sound import bursts

TALK, PLAYED = Disposition.comment, Disposition.default


@pytest.mark.parametrize(
    ("tracks", "wanted", "number"),
    [
        ([("ger", PLAYED), ("eng", TALK), ("eng", None)], "en", 3),
        ([("eng", TALK), ("ger", PLAYED)], "en", 1),
        ([("eng", None), ("eng", PLAYED)], "en", 2),
        ([("pt", PLAYED), ("pt-BR", None)], "pt-br", 2),
        ([("pt-BR", None), ("pt", None)], "pt", 2),
        ([("ger", PLAYED), (None, None)], "und", 2),
        ([("eng", None), ("ger", PLAYED)], None, 2),
        ([("eng", None), ("ger", PLAYED)], 1, 1),
    ],
)
def test_the_track_that_is_meant(
    tmp_path: Path, tracks: list[tuple[str | None, Disposition | None]], wanted: int | str | None, number: int
) -> None:
    made = [Track(bursts(0, 0.5), language=language, disposition=kind) for language, kind in tracks]
    path = make_tracks(tmp_path / "clip.mkv", made, pictures_s=(0, 0.5))
    with open_media(path) as container:
        assert choose_track(path, container, wanted) == number
