"""An image's weights: from an address that does not move, and none but those whose sha256 is listed."""

import hashlib
import importlib.util
import json
import re
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest

from framefleet.models.catalog import CATALOG

ENDPOINTS = Path(__file__).parents[2] / "endpoints"
MODEL = b"the weights" * 1000
SHA256 = hashlib.sha256(MODEL).hexdigest()


class Hub(ThreadingHTTPServer):
    """Has `model.bin`, which it gives whole after it broke off `broken` times."""

    broken = 0
    asked = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/at/a-revision/"


class Reply(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self.server.asked += 1
        if self.path != "/at/a-revision/model.bin":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(MODEL)))
        self.end_headers()
        self.wfile.write(MODEL[:100] if self.server.asked <= self.server.broken else MODEL)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub(("127.0.0.1", 0), Reply) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def weights() -> ModuleType:
    spec = importlib.util.spec_from_file_location("weights_of_an_image", ENDPOINTS / "weights.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def bake(weights: ModuleType, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Fetches a model as a Dockerfile does; the folder it is in then."""

    def call(model: str = "a-model", name: str = "model.bin", sha256: str = SHA256) -> Path:
        listed = tmp_path / "weights.json"
        listed.write_text(json.dumps({"a-model": {"from": hub.address, "sha256": {name: sha256}}}))
        monkeypatch.setattr(sys, "argv", ["weights.py", str(listed), model, str(tmp_path / "models" / model)])
        weights.main()
        return tmp_path / "models" / model

    return call


def test_what_is_listed_is_baked(bake) -> None:
    assert (bake() / "model.bin").read_bytes() == MODEL


def test_other_bytes_are_refused_and_not_kept(bake, hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=f"wrong sha256: {SHA256}, not {'0' * 64}"):
        bake(sha256="0" * 64)
    assert list((tmp_path / "models" / "a-model").iterdir()) == []
    assert hub.asked == 1


def test_a_transfer_that_breaks_off_is_begun_again(bake, hub: Hub) -> None:
    hub.broken = 2
    assert (bake() / "model.bin").read_bytes() == MODEL
    assert hub.asked == 3


def test_one_that_always_breaks_off_ends_the_build_and_keeps_nothing(bake, hub: Hub, tmp_path: Path) -> None:
    hub.broken = 9
    with pytest.raises(SystemExit, match=r"model\.bin: cannot download"):
        bake()
    assert list((tmp_path / "models" / "a-model").iterdir()) == []


def test_a_file_that_the_hub_lacks_ends_the_build(bake) -> None:
    with pytest.raises(SystemExit, match="404"):
        bake(name="other.bin")


def test_a_model_that_is_not_listed_is_never_fetched(bake, hub: Hub) -> None:
    with pytest.raises(SystemExit, match=r"other-model: not in weights\.json, which has a-model; add"):
        bake("other-model")
    assert hub.asked == 0


@pytest.mark.parametrize("endpoint", ["yolo", "whisper", "ast"])
def test_the_models_of_the_images_are_listed_by_what_does_not_move(endpoint: str) -> None:
    models = json.loads((ENDPOINTS / endpoint / "weights.json").read_text(encoding="utf-8"))
    dockerfile = (ENDPOINTS / endpoint / "Dockerfile").read_text(encoding="utf-8")
    (default,) = re.findall(rf"^ARG {endpoint.upper()}_MODEL=(\S+)$", dockerfile, flags=re.MULTILINE)
    assert default in models
    for model in models.values():
        assert re.search(r"^https://.*(/resolve/[0-9a-f]{40}/|/releases/download/v[\d.]+/)$", model["from"])
        assert all(re.fullmatch("[0-9a-f]{64}", sha256) for sha256 in model["sha256"].values())


@pytest.mark.parametrize("detector", ["dfine", "rfdetr"])
def test_the_models_of_other_detectors_are_listed_by_sha256(detector: str) -> None:
    models = json.loads((ENDPOINTS / "yolo" / "detectors" / detector / "weights.json").read_text(encoding="utf-8"))
    for name, model in models.items():
        # RF-DETR's makers have a bucket without releases: a build ends where its file is another.
        moves_not = re.search(r"^https://.*/resolve/[0-9a-f]{40}/$", model["from"])
        assert moves_not or model["from"] == "https://storage.googleapis.com/rfdetr/"
        assert list(model["sha256"]) == list(model["paths"]) == [name]
        assert re.fullmatch("[0-9a-f]{64}", model["sha256"][name])


def test_the_detectors_of_the_catalog_are_the_images(weights: ModuleType) -> None:
    models = json.loads((ENDPOINTS / "yolo" / "detectors" / "dfine" / "weights.json").read_text(encoding="utf-8"))
    for name, model in models.items():
        fetched = CATALOG[name.removesuffix(".onnx")]
        (source,) = fetched.sources
        assert model["sha256"] == fetched.files
        assert [model["from"] + model["paths"][name]] == list(source.urls.values())


def test_a_file_may_have_another_name_where_it_comes_from(
    weights: ModuleType, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = tmp_path / "weights.json"
    model = {"from": hub.address, "paths": {"mine.onnx": "model.bin"}, "sha256": {"mine.onnx": SHA256}}
    listed.write_text(json.dumps({"a-model": model}))
    monkeypatch.setattr(sys, "argv", ["weights.py", str(listed), "a-model", str(tmp_path / "models")])
    weights.main()
    assert (tmp_path / "models" / "mine.onnx").read_bytes() == MODEL


@pytest.mark.parametrize("endpoint", ["yolo", "whisper", "ast", "ocr"])
def test_nothing_else_fetches_weights(endpoint: str) -> None:
    dockerfile = (ENDPOINTS / endpoint / "Dockerfile").read_text(encoding="utf-8")
    assert ("/tmp/weights.py" in dockerfile) == (ENDPOINTS / endpoint / "weights.json").exists()
    assert not re.search("snapshot_download|download_model|curl|wget|^ADD ", dockerfile, flags=re.MULTILINE)
    if "ultralytics.YOLO(" in dockerfile:  # it fetches what it does not find, and runs it: only after the check
        assert dockerfile.index("/tmp/weights.py /tmp") < dockerfile.index("ultralytics.YOLO('/models/'")
