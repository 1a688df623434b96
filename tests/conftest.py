"""Fixtures for all: the sample clip, an environment without anybody's settings, and an emulated service."""

import gc
import os
import signal
import socket
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from framefleet import Session
from framefleet.config.endpoints import Fleet, Secret
from framefleet.config.settings import CONFIG_FILE
from framefleet.emulator.app import make_endpoint
from framefleet.emulator.serve import serving
from framefleet.install_hints import cache_folder
from framefleet.stages.base import Handler
from framefleet.stages.objects.models import PREFERRED
from tests.media.make import share_cores
from tests.media.once import keep_in

settings.register_profile("full", deadline=None)  # a busy machine is no failure
settings.register_profile("fast", deadline=None, max_examples=10)  # scripts/test without --all
settings.load_profile("full")

if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # started in a shell's background; what a test starts would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parents[1]
API_KEY = "rpa_TESTKEY0123456789"


def full(*values: Any) -> list[Any]:
    """Values of a parameter that are for the full tier alone."""
    return [pytest.param(*(v if isinstance(v, tuple) else (v,)), marks=pytest.mark.full) for v in values]


def full_but(fast: Sequence[Any], values: Iterable[Any]) -> list[Any]:
    """`values` of a parameter, of which those in `fast` are for both tiers."""
    return [one for value in values for one in ([value] if value in fast else full(value))]


def pytest_collection_finish() -> None:
    """What is there by now stays: to look through it for garbage again and again takes a tenth of the time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def clips_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What tests encode is kept for the session, next to the folders of all its workers."""
    base = tmp_path_factory.getbasetemp()
    keep_in((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "clips")


@pytest.fixture(autouse=True)
def among_others() -> Iterator[None]:
    """No test leaves a process that others have to wait for."""
    yield
    share_cores()


@pytest.fixture
def sample() -> Path:
    """The clip that comes with the project."""
    return ROOT / "samples" / "sample.mp4"


HIDDEN = (*PREFERRED, "whisper-base")
"""Fetched models that would be used by default: tests get the embedded ones, wherever they run."""


@pytest.fixture(scope="session")
def other_models(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """The fetched models without those that are HIDDEN; None where there are none of those."""
    fetched = cache_folder() / "models"
    if not any((fetched / name).exists() for name in HIDDEN):
        return None
    folder = tmp_path_factory.mktemp("models")
    for model in fetched.iterdir():
        if model.name not in HIDDEN:
            (folder / model.name).symlink_to(model, target_is_directory=True)
    return folder


@pytest.fixture
def whisper_base(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of Whisper base, for a test of this machine's default."""
    fetched = cache_folder() / "models"
    if not (fetched / "whisper-base" / "model.bin").is_file():
        pytest.skip("Whisper base was not fetched")
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(fetched))
    return fetched / "whisper-base"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, other_models: Path | None) -> None:
    """No test sees the settings of whoever runs it, or writes where it was started. Models are the embedded ones."""
    for name in list(os.environ):
        if name.startswith(("FRAMEFLEET_", "RUNPOD_")):
            monkeypatch.delenv(name)
    if other_models is not None:
        monkeypatch.setenv("FRAMEFLEET_MODELS", str(other_models))
    monkeypatch.chdir(tmp_path)
    assert not Path(CONFIG_FILE).exists()


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port of this machine at which nobody listens, nor begins to: it is taken."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


class Service:
    """An emulated service with one yolo or whisper endpoint per handler given."""

    def __init__(self, base_url: str, kinds: list[str]) -> None:
        self.base_url = base_url
        self.fleet = Fleet(endpoints={k: f"{k}-id" for k in kinds}, api_key=Secret(API_KEY), base_url=base_url)
        self.environ = {
            "RUNPOD_API_KEY": API_KEY,
            "RUNPOD_ENDPOINT_BASE_URL": base_url,
            **{f"FRAMEFLEET_{k.upper()}_ENDPOINT": f"{k}-id" for k in kinds},
        }


@pytest.fixture
def emulate() -> Iterator[object]:
    """`emulate(yolo=handler, whisper=handler, workers=2)` starts a service that ends with the test."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def start(workers: int = 2, **handlers: Handler) -> Service:
            endpoints = {f"{kind}-id": make_endpoint(handler, workers) for kind, handler in handlers.items()}
            return Service(stack.enter_context(serving(endpoints, API_KEY)), list(handlers))

        yield start


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An emulated service whose workers the test can hold, and a folder of videos."""
    from tests.emulated_place import Place  # it needs this file

    monkeypatch.setenv("FRAMEFLEET_STAGES", "objects")
    there = Place(tmp_path)
    yield there
    there.go.set()
    there.service.close()


@pytest.fixture
def session(place: Any) -> Iterator[Session]:
    """A session on the endpoints of `place`."""
    with Session(fleet=place.fleet) as made:
        yield made
