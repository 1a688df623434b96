"""`VIDEO [fps] …` as options of the command line."""

from types import ModuleType

import pytest

NAMES = ["fps", "max-workers", "batch-size", "output-dir"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ([], []),
        (["a.mp4"], ["a.mp4"]),
        (
            ["a b&c.mp4", "1", "5", "16", "out put"],
            ["a b&c.mp4", "--fps=1", "--max-workers=5", "--batch-size=16", "--output-dir=out put"],
        ),
        (["a.mp4", "2", "--conf", "0.3", "-v"], ["a.mp4", "--fps=2", "--conf", "0.3", "-v"]),
        (["a.mp4", "29.97", "auto"], ["a.mp4", "--fps=29.97", "--max-workers=auto"]),
        (["a.mp4", "-1", "-.5"], ["a.mp4", "--fps=-1", "--max-workers=-.5"]),
        (["--no-speech", "a.mp4"], ["--no-speech", "a.mp4"]),
        (["--help"], ["--help"]),
    ],
)
def test_positions_become_options(positional: ModuleType, given: list[str], meant: list[str]) -> None:
    assert positional.to_options(given, NAMES) == meant


def test_one_too_many_is_wrong_usage(positional: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        positional.to_options(["a.mp4", "1", "5", "16", "out", "b.mp4"], NAMES)
    assert ended.value.code == 2
    assert "b.mp4" in capsys.readouterr().err


@pytest.mark.parametrize("given", [["a.mp4", "../hard/two.mp4"], ["a.mp4", "2", "b.mp4"], list("abcdef")])
def test_a_second_video_is_told_what_takes_several(
    positional: ModuleType, capsys: pytest.CaptureFixture[str], given: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        positional.to_options(given, NAMES)
    told = capsys.readouterr().err
    assert ended.value.code == 2 and told.count("\n") == 1
    assert told.startswith("framefleet: ") and f"for several videos: {positional.COMMAND} run A B" in told
