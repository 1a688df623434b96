from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from framefleet.outputs.report.make import video_url


@pytest.mark.parametrize(
    "name", ["clip.mp4", "my video & co.mp4", "50%.mp4", "a#b?c.mp4", "c:d.mp4", "ä ö.mp4", "'\"<b>.mp4", "\udcff.mp4"]
)
def test_a_browser_resolves_it_to_the_file(tmp_path: Path, name: str) -> None:
    report, video = tmp_path / "out" / "deep" / "r.html", tmp_path / "in" / name
    url = video_url(report, video)
    assert url.isascii()
    whole = urljoin(report.as_uri(), url)
    assert urlsplit(whole).query == urlsplit(whole).fragment == ""
    assert unquote(urlsplit(whole).path, errors="surrogateescape") == video.as_posix()


def test_beside_the_report_it_is_the_name_alone(tmp_path: Path) -> None:
    assert video_url(tmp_path / "r.html", tmp_path / "clip.mp4") == "clip.mp4"


def test_where_no_way_leads_it_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other_drive(*_: object) -> str:
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr("os.path.relpath", other_drive)
    assert video_url(tmp_path / "r.html", tmp_path / "clip.mp4") == (tmp_path / "clip.mp4").as_uri()
