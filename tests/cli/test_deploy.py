"""`framefleet deploy`, `endpoints` and `down`, as a person runs them, against a stand-in for the management API."""

import io
import json
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from framefleet.cli import main
from tests.conftest import ROOT
from tests.fleet.manage_service import RefusedRequestError, Service, managing

KEY = "rpa_TESTKEY0123456789"
IMAGE = ["--image", "ghcr.io/me/framefleet-{endpoint}:1"]

Run = Callable[..., tuple[int, str, str]]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("deploy", …)` gives exit code, stdout and stderr; `typed` is what a person at a terminal says."""

    def call(*arguments: str, typed: str | None = None) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO() if typed is None else Terminal(typed))
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = capsys.readouterr()
        assert KEY not in out + err and "Traceback" not in err
        return int(ended.value.code or 0), out, err

    return call


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Service]:
    monkeypatch.setenv("RUNPOD_API_KEY", KEY)
    for cache in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(cache, str(tmp_path / "cache"))
    with managing(KEY) as running:
        monkeypatch.setenv("RUNPOD_API_BASE_URL", running.url)
        yield running


def ids() -> dict[str, Any]:
    return dict(tomllib.loads(Path("framefleet.toml").read_text(encoding="utf-8")).get("endpoints", {}))


def test_a_dry_run_needs_no_key_and_sends_nothing(run: Run) -> None:
    code, out, _ = run("deploy", "--dry-run", *IMAGE)
    yolo, whisper = json.loads(out)
    assert code == 0
    assert yolo["request"] == "POST https://api.runpod.io/v2/serverless"
    assert yolo["body"]["image"] == "ghcr.io/me/framefleet-yolo:1"
    assert whisper["body"]["name"] == "framefleet-whisper"
    assert yolo["costs"].startswith("at most $0.00093/s ($3.35/h) with 3 workers busy; $0 while")
    assert not Path("framefleet.toml").exists()


def test_a_dry_run_reckons_with_what_is_asked_for(run: Run) -> None:
    workers = ["--max-workers", "10", "--min-workers", "2"]
    _, out, _ = run("deploy", "ast", "--dry-run", *IMAGE, *workers, "--price", "0.001")
    (ast,) = json.loads(out)
    assert "at most $0.01000/s" in ast["costs"] and "$172.80/day for 2 always running" in ast["costs"]


def test_a_dry_run_with_a_known_id_shows_the_change(run: Run, service: Service) -> None:
    Path("framefleet.toml").write_text('[endpoints]\nyolo = "abc"\n', encoding="utf-8")
    code, out, _ = run("deploy", "yolo", "--dry-run", "--max-workers", "9")
    (shown,) = json.loads(out)
    assert (code, service.asked) == (0, [])
    assert shown["request"].endswith("/v2/serverless/abc") and shown["request"].startswith("PATCH")
    assert shown["body"] == {"workers": {"max": 9}}
    assert shown["costs"].startswith("unknown until RunPod")


def test_endpoints_are_made_once_and_their_ids_kept(run: Run, service: Service) -> None:
    Path("framefleet.toml").write_text("fps = 2  # mine\n", encoding="utf-8")
    code, out, _ = run("deploy", *IMAGE, "--yes")
    assert code == 0
    assert "at most $" in out and "$0 while idle" in out
    assert service.changed == ["POST", "POST"]
    assert {id: f"framefleet-{kind}" for kind, id in ids().items()} == {
        id: endpoint["name"] for id, endpoint in service.endpoints.items()
    }
    assert Path("framefleet.toml").read_text(encoding="utf-8").startswith("fps = 2  # mine\n")

    code, out, _ = run("deploy", *IMAGE)  # nothing to change: nothing to agree to
    assert code == 0 and "is already up to date" in out
    assert service.changed == ["POST", "POST"]


def test_a_tag_that_moves_is_warned_of_and_rolls_out_again(run: Run, service: Service) -> None:
    latest = ["--image", "ghcr.io/me/framefleet-{endpoint}:latest", "--yes"]
    code, _, err = run("deploy", "yolo", *latest)
    assert code == 0 and "this tag is mutable" in err and err.count("\n") == 1
    (endpoint,) = service.endpoints.values()
    endpoint["env"]["HF_TOKEN"] = "hf_secret_of_theirs"
    code, out, _ = run("deploy", "yolo", *latest)
    assert code == 0 and "IMAGE_RELEASE" in out and "hf_secret" not in out
    assert service.changed == ["POST", "PATCH"]
    (endpoint,) = service.endpoints.values()
    assert endpoint["env"]["HF_TOKEN"] == "hf_secret_of_theirs" and "IMAGE_RELEASE" in endpoint["env"]


def test_a_version_is_so_already_unless_it_is_to_roll(run: Run, service: Service) -> None:
    run("deploy", "yolo", *IMAGE, "--yes")
    code, out, err = run("deploy", "yolo", *IMAGE)
    assert (code, err) == (0, "") and "is already up to date" in out
    code, out, _ = run("deploy", "yolo", "--roll", "--yes")
    assert code == 0 and "IMAGE_RELEASE" in out
    assert service.changed == ["POST", "PATCH"]


def test_one_from_the_hub_gets_a_minimum(run: Run, service: Service) -> None:
    run("deploy", "yolo", *IMAGE, "--min-cuda", "", "--yes")
    (endpoint,) = service.endpoints.values()
    endpoint["gpu"]["allowedCudaVersions"] = ["12.9", "12.8"]
    assert run("deploy", "yolo", "--min-cuda", "12.8", "--yes")[0] == 0
    (endpoint,) = service.endpoints.values()
    assert (endpoint["gpu"]["minCudaVersion"], endpoint["gpu"]["allowedCudaVersions"]) == ("12.8", [])


def test_fast_starts_quiet_logs_and_the_limit_by_default(run: Run, service: Service) -> None:
    _, out, _ = run("deploy", "yolo", *IMAGE, "--yes")
    (endpoint,) = service.endpoints.values()
    assert (endpoint["flashboot"], endpoint["env"]) == ("FLASHBOOT", {"RUNPOD_LOG_LEVEL": "INFO"})
    assert "default spend limit is $80/h" in out
    run("deploy", "yolo", "--no-flashboot", "--yes")
    assert next(iter(service.endpoints.values()))["flashboot"] == "OFF"


def test_what_it_costs_is_by_todays_list(run: Run, service: Service) -> None:
    _, out, _ = run("deploy", "yolo", *IMAGE, "--gpu-pools", "ADA_24", "--yes")
    assert "at most $0.00092/s ($3.30/h)" in out and "RunPod's price list as read on " in out
    service.forbidden = ("/v2/catalog",)
    (Path("cache") / "framefleet" / "prices.json").unlink()
    code, out, _ = run("deploy", "yolo", *IMAGE)
    assert code == 0 and "$0.00093/s" in out and "RunPod price list of 2026-06-08" in out


def test_no_example_teaches_a_tag_that_moves(run: Run) -> None:
    _, out, _ = run("deploy", "--help")
    _, _, err = run("deploy", "yolo", "--dry-run")
    documents = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    for text in (out, err, *(path.read_text(encoding="utf-8") for path in documents)):
        assert "}:latest" not in text and "yolo:latest" not in text


def test_one_that_the_toml_lost_is_found_by_name(run: Run, service: Service) -> None:
    run("deploy", "yolo", *IMAGE, "--yes")
    before = ids()
    Path("framefleet.toml").unlink()
    assert run("deploy", "yolo", "--max-workers", "8", "--yes")[0] == 0
    assert ids() == before and len(service.endpoints) == 1
    assert service.endpoints[before["yolo"]]["workers"]["max"] == 8


def test_one_that_the_service_lost_is_made_again(run: Run, service: Service) -> None:
    Path("framefleet.toml").write_text('[endpoints]\nyolo = "gone"\n', encoding="utf-8")
    code, _, err = run("deploy", "yolo", *IMAGE, "--yes")
    assert code == 0 and "no longer knows endpoint gone" in err
    assert list(service.endpoints) == [ids()["yolo"]]


def test_a_creation_that_fails_keeps_what_was_made_before(run: Run, service: Service) -> None:
    answer = service.answer

    def failing(method: str, path: str, key: str, body: bytes) -> tuple[int, Any]:
        if b"framefleet-whisper" in body:
            raise RefusedRequestError(500, "no room")
        return answer(method, path, key, body)

    service.answer = failing  # type: ignore[method-assign]
    code, _, err = run("deploy", *IMAGE, "--yes")
    assert code == 1 and "500" in err
    assert list(ids()) == ["yolo"]


def test_nothing_is_changed_unless_agreed_to(run: Run, service: Service) -> None:
    code, out, err = run("deploy", "yolo", *IMAGE)
    assert code == 2 and "--yes" in err and "costs" in out
    code, _, err = run("deploy", "yolo", *IMAGE, typed="n\n")
    assert code == 2 and "nothing was changed" in err
    assert service.changed == []
    assert run("deploy", "yolo", *IMAGE, typed="y\n")[0] == 0
    assert service.changed == ["POST"]


def test_a_variable_that_goes_before_the_toml_is_told(
    run: Run, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAMEFLEET_YOLO_ENDPOINT", "gone")
    code, _, err = run("deploy", "yolo", *IMAGE, "--yes")
    assert code == 0 and "FRAMEFLEET_YOLO_ENDPOINT" in err and "unset it" in err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["deploy", "cats"], 2, "cats"),
        (["deploy", "yolo", "--yes"], 2, "--image"),
        (["deploy", "yolo", *IMAGE, "--idle-timeout", "0"], 2, "--idle-timeout"),
        (["down", "cats"], 2, "cats"),
    ],
)
def test_wrong_usage(run: Run, service: Service, arguments: list[str], code: int, told: str) -> None:
    ended, _, err = run(*arguments)
    assert (ended, service.changed) == (code, []) and told in err
    assert [line.partition(": ")[0] for line in err.splitlines()] in (["error"], ["error", "hint"])


def test_a_wrong_key_a_refusal_and_a_plain_address(run: Run, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.key = "another"
    code, _, err = run("deploy", "yolo", *IMAGE, "--yes")
    assert code == 1 and "RUNPOD_API_KEY" in err
    service.fail = (422, b'{"detail": "no such pool"}', {})
    code, _, err = run("deploy", "yolo", *IMAGE, "--yes")
    assert code == 1 and "no such pool" in err
    monkeypatch.setenv("RUNPOD_API_BASE_URL", "http://example.com")
    code, _, err = run("deploy", "yolo", *IMAGE, "--yes")
    assert code == 2 and "RUNPOD_API_BASE_URL" in err
    monkeypatch.delenv("RUNPOD_API_KEY")
    monkeypatch.delenv("RUNPOD_API_BASE_URL")
    assert run("deploy", "yolo", *IMAGE, "--yes")[0] == 1


def test_an_address_in_the_toml_is_not_taken(run: Run) -> None:
    Path("framefleet.toml").write_text('manage_url = "https://evil.example"\n', encoding="utf-8")
    _, out, _ = run("deploy", "yolo", "--dry-run", *IMAGE)
    assert "evil" not in out


def test_an_unwritable_place_is_told_before_anything_is_made(run: Run, service: Service) -> None:
    Path("framefleet.toml").write_text('endpoints = {whisper = "w"}\n', encoding="utf-8")
    code, _, err = run("deploy", "yolo", *IMAGE, "--yes")
    assert code == 2 and "cannot be changed safely" in err
    assert service.asked == []


@pytest.mark.full
def test_down_scales_to_zero_and_deploy_wakes(run: Run, service: Service) -> None:
    run("deploy", *IMAGE, "--min-workers", "1", "--yes")
    code, out, _ = run("down")
    assert code == 0 and out.count("scaled to zero") == 2
    assert [e["workers"]["max"] for e in service.endpoints.values()] == [0, 0]
    assert len(ids()) == 2
    assert run("deploy", "yolo", "--yes")[0] == 0
    assert service.endpoints[ids()["yolo"]]["workers"]["max"] == 3


def test_down_finds_what_the_toml_lost_and_says_what_is_not_there(run: Run, service: Service) -> None:
    run("deploy", "yolo", *IMAGE, "--yes")
    Path("framefleet.toml").unlink()
    code, out, _ = run("down")
    assert code == 0 and "whisper: no such endpoint" in out
    assert [e["workers"]["max"] for e in service.endpoints.values()] == [0]


@pytest.mark.full
@pytest.mark.parametrize("known", [True, False])
def test_down_forgets_none_that_costs(run: Run, service: Service, known: bool) -> None:
    run("deploy", "yolo", "whisper", "ast", "ocr", *IMAGE, "--min-workers", "1", "--yes")
    if not known:  # then they are found by their names
        Path("framefleet.toml").unlink()
    assert run("down")[0] == 0
    workers = [(e["workers"]["min"], e["workers"]["max"]) for e in service.endpoints.values()]
    assert workers == [(0, 0)] * 4


@pytest.mark.parametrize("command", ["deploy", "down"])
def test_help_names_every_endpoint(run: Run, command: str) -> None:
    _, out, _ = run(command, "--help")
    assert all(kind in out for kind in ("yolo", "whisper", "ast", "ocr"))


def test_deleting_is_agreed_to_and_forgotten(run: Run, service: Service) -> None:
    run("deploy", *IMAGE, "--yes")
    assert run("down", "yolo", "--delete")[0] == 2
    assert len(service.endpoints) == 2
    assert run("down", "yolo", "--delete", typed="y\n")[0] == 0
    assert list(ids()) == ["whisper"] and list(service.endpoints) == [ids()["whisper"]]


@pytest.mark.full
def test_down_goes_on_after_one_that_fails(run: Run, service: Service) -> None:
    run("deploy", *IMAGE, "--yes")
    yolo, whisper = service.endpoints
    answer = service.answer
    service.answer = lambda method, path, key, body: (  # type: ignore[method-assign]
        (200, {}) if method == "PATCH" and path.endswith(yolo) else answer(method, path, key, body)
    )
    code, _, err = run("down")
    assert code == 1 and yolo in err
    assert service.endpoints[whisper]["workers"]["max"] == 0


def test_endpoints_are_listed_with_their_health(run: Run, emulate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    emulated = emulate(yolo=lambda job: {})
    for name, value in emulated.environ.items():
        monkeypatch.setenv(name, value)
    code, out, _ = run("endpoints")
    assert code == 0 and out.startswith("yolo     yolo-id ") and "jobs: none; workers:" in out

    Path("framefleet.toml").write_text('[endpoints]\nwhisper = "gone"\n', encoding="utf-8")
    code, out, _ = run("endpoints")
    first, second = out.splitlines()
    assert code == 1 and "FAIL" not in first
    assert second.startswith("whisper  gone ") and "FAIL: " in second


def test_no_endpoints_to_list(run: Run) -> None:
    code, out, _ = run("endpoints")
    assert code == 0 and "framefleet deploy" in out
