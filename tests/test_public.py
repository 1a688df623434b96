"""The public surface, and that it costs nothing until it is used."""

import subprocess
import sys
from collections.abc import Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import pytest

import framefleet
from framefleet.config.arguments import OptionArguments
from framefleet.config.loading import own_settings
from framefleet.config.options import Options
from framefleet.stages import registry
from tests.conftest import ROOT

OURS = (*registry.SPECS,)  # before any test declares one


def test_what_is_exported() -> None:
    assert framefleet.__all__ == [
        "CancelScope",
        "Document",
        "Options",
        "Session",
        "__version__",
        "analyze",
        "errors",
        "export",
        "library",
        "read_document",
        "render",
        "report",
    ]
    for name in framefleet.__all__:
        assert getattr(framefleet, name) is not None
    assert not hasattr(framefleet, "nothing")


def test_every_option_is_an_argument_by_its_name() -> None:
    """In the order of `Options` and of the stages' own, and in every form that is a field's, or none."""
    fields = {name: kind for name, kind in get_type_hints(Options).items() if name != "own"}
    own = {name: one.kind for name, one in own_settings().items() if one.stage in OURS}
    arguments = get_type_hints(OptionArguments)
    assert [*arguments] == [*fields, *own]
    for name, kind in arguments.items():
        assert forms((fields | own)[name]) | {type(None)} <= forms(kind), name


def forms(kind: Any) -> set[Any]:
    """The members of a union, a tuple as the sequence that it is."""
    members = get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,)
    members = [member.__origin__ if get_origin(member) is Annotated else member for member in members]
    return {Sequence if get_origin(member) in {tuple, Sequence} else member for member in members}


def printed(code: str) -> str:
    """What a fresh interpreter prints."""
    program = f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r}); {code}"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def imported(code: str) -> set[str]:
    """The packages that a fresh interpreter has loaded after `code`."""
    return {name.partition(".")[0] for name in printed(f"{code}; print(*sys.modules)").split()}


@pytest.mark.full
def test_importing_the_package_loads_no_client() -> None:
    assert not imported("import framefleet") & {"av", "requests", "typer", "numpy", "msgspec"}


@pytest.mark.full
def test_a_worker_does_not_load_the_client() -> None:
    loaded = imported("import framefleet.stages.objects.worker.handler, framefleet.stages.speech.worker.handler")
    assert not loaded & {"requests", "typer", "tqdm", "torch", "ultralytics", "runpod"}


@pytest.mark.full
def test_the_command_line_loads_no_model_library() -> None:
    loaded = imported("import framefleet.cli")
    assert not loaded & {"onnxruntime", "faster_whisper", "ctranslate2", "torch", "ultralytics", "runpod"}


@pytest.mark.full
def test_libraries_tell_nobody_of_their_use_unless_a_person_lets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY")
    for variable in variables:
        monkeypatch.delenv(variable)  # this process has imported the package, so it is set
    code = f"import framefleet, os; print(*map(os.environ.get, {variables!r}))"
    assert "1 1" in printed(code)
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    assert "0 1" in printed(code)
