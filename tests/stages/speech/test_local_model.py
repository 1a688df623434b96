"""Which speech model runs on this machine, and what is said of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from framefleet.config.options import Options
from framefleet.errors import SetupError, UsageError
from framefleet.fleet.backends.base import IN_PROCESS, JOB_QUEUE
from framefleet.models import fetch as fetching
from framefleet.models import file_sha256, hub, store
from framefleet.models.catalog import CATALOG
from framefleet.stages.speech import local_model
from framefleet.stages.speech.stage import SpeechStage
from tests.stages.speech.test_plan import HOUR

STAGE = SpeechStage()
REVISION = "536b0662742c02347bc0e980a01041f333bce120"


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of fetched models, empty, and an empty cache of the hub."""
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    catalog = {name: replace(model) for name, model in CATALOG.items()}
    for module in (fetching, hub, local_model, store):
        monkeypatch.setattr(module, "CATALOG", catalog)
    return tmp_path / "models"


def put(folder: Path, name: str) -> str:
    """Put files of model `name` into the folder; the catalog is of their sha256. Returns that of model.bin."""
    folder.mkdir(parents=True)
    for file in CATALOG[name].files:
        (folder / file).write_text(file)
    sha256s = {file: file_sha256(folder / file) for file in CATALOG[name].files}
    store.CATALOG[name] = replace(CATALOG[name], files=sha256s)  # type: ignore[index]
    return sha256s["model.bin"]


def identity(model: str | None = None) -> object:
    return STAGE.identity(Options(whisper_model=model), IN_PROCESS)["model"]


def test_base_is_the_default_where_it_was_fetched(models: Path) -> None:
    sha256 = put(models / "whisper-base", "whisper-base")
    assert STAGE.model_name(Options()) == "base"
    assert STAGE.model_remark(Options()) is None
    assert identity() == identity("base") == sha256
    assert local_model.folder_of(None) == str(models / "whisper-base")
    assert STAGE.plan(HOUR, Options(language="de", task="translate"), IN_PROCESS)


def test_tiny_en_is_used_and_said_where_base_was_not_fetched(models: Path) -> None:
    assert STAGE.model_name(Options()) == "tiny.en"
    remark = STAGE.model_remark(Options()) or ""
    assert remark.startswith("English only, as Whisper base was not downloaded; for better results run: ")
    assert remark.endswith(" whisper-base")
    assert local_model.folder_of(None) is None


def test_the_answers_of_tiny_en_in_old_journals_stay_good(models: Path) -> None:
    old = {"model": None, "language": None, "task": "transcribe", "vad": True}
    assert STAGE.identity(Options(), IN_PROCESS) == old
    put(models / "whisper-base", "whisper-base")
    local_model._default.cache_clear()
    assert STAGE.identity(Options(whisper_model="tiny.en"), IN_PROCESS) == old
    assert STAGE.identity(Options(), IN_PROCESS) != old
    assert STAGE.model_remark(Options(whisper_model="tiny.en")) is None


@pytest.mark.parametrize("model", [None, "small", "turbo", "anything"])
def test_on_an_endpoint_the_option_is_as_it_was(model: str | None, models: Path) -> None:
    options = Options(whisper_model=model)
    old = {"model": model, "language": None, "task": "transcribe", "vad": True}
    assert STAGE.identity(options, JOB_QUEUE) == old
    assert STAGE.plan(HOUR, options, JOB_QUEUE)


def test_what_changes_an_answer_is_in_the_key() -> None:
    plain = STAGE.identity(Options(), JOB_QUEUE)
    assert STAGE.identity(Options(words=("ComfyUI",)), JOB_QUEUE) == plain | {"words": ["ComfyUI"]}
    assert STAGE.identity(Options(vad=False), JOB_QUEUE).keys() == plain.keys() - {"vad"}  # as always
    assert STAGE.identity(Options(vad=False), IN_PROCESS)["vad_filter"] is False


def test_an_unknown_name_ends_with_the_names(models: Path) -> None:
    with pytest.raises(UsageError, match="--whisper-model enormous: no such model") as raised:
        STAGE.plan(HOUR, Options(whisper_model="enormous"), IN_PROCESS)
    assert raised.value.code == "model_unknown"
    for name in ("base", "tiny.en", "small", "medium", "large-v3", "large-v3-turbo", "turbo"):
        assert name in (raised.value.hint or "")


def test_the_size_of_a_known_one_is_said_before_it_is_fetched(models: Path) -> None:
    options = Options(whisper_model="small")
    assert STAGE.lacks_model(options)
    assert STAGE.model_remark(options) == "would download 484 MB"
    assert STAGE.plan(HOUR, options, IN_PROCESS)


def test_turbo_is_another_name(models: Path) -> None:
    assert STAGE.model_name(Options(whisper_model="turbo")) == "large-v3-turbo"
    assert identity("turbo") == CATALOG["whisper-large-v3-turbo"].files["model.bin"]


def test_a_folder_takes_precedence_over_a_name(models: Path, tmp_path: Path) -> None:
    put(tmp_path / "small", "whisper-small")  # tests run in this folder
    assert not STAGE.lacks_model(Options(whisper_model="small"))
    assert STAGE.model_name(Options(whisper_model="small")) == "small"
    assert local_model.folder_of("small") == "small"
    assert identity("small") == file_sha256(tmp_path / "small" / "model.bin")


def test_a_copy_in_the_hubs_cache_is_used(models: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "hub" / "models--Systran--faster-whisper-small" / "snapshots" / REVISION
    sha256 = put(snapshot, "whisper-small")
    assert not STAGE.lacks_model(Options(whisper_model="small"))
    assert local_model.folder_of("small") == str(snapshot)
    local_model.check_content("small", sha256)
    with pytest.raises(SetupError, match="damaged"):
        local_model.check_content("small", "0" * 64)
    (snapshot / "vocabulary.txt").unlink()
    assert STAGE.lacks_model(Options(whisper_model="small"))


def test_a_copy_of_another_revision_is_not(models: Path, tmp_path: Path) -> None:
    put(tmp_path / "hub" / "models--Systran--faster-whisper-small" / "snapshots" / ("0" * 40), "whisper-small")
    assert STAGE.lacks_model(Options(whisper_model="small"))


def test_where_the_hub_is_out_of_reach_a_folder_is_the_way_out(
    models: Path, monkeypatch: pytest.MonkeyPatch, deaf_port: int
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{deaf_port}")
    told: list[object] = []
    with pytest.raises(SetupError, match=r"--whisper-model small: .*cannot be downloaded") as raised:
        STAGE.fetch_model(Options(whisper_model="small"), told.append)
    assert "give the folder" in (raised.value.hint or "")
    assert "484 MB" in str(told[0])


def test_nothing_is_fetched_where_that_is_off(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEFLEET_NO_FETCH", "1")
    with pytest.raises(SetupError, match="FRAMEFLEET_NO_FETCH is 1"):
        STAGE.fetch_model(Options(whisper_model="small"), print)
