"""The public surface, and that it costs nothing until it is used."""

import subprocess
import sys
from typing import get_args, get_type_hints

import msgspec
import pytest

import framefleet
from framefleet.config.arguments import OptionArguments
from framefleet.config.options import Options
from tests.conftest import ROOT


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
        "read_document",
        "render",
        "report",
    ]
    for name in framefleet.__all__:
        assert getattr(framefleet, name) is not None
    assert not hasattr(framefleet, "nothing")


def test_every_option_is_an_argument_by_its_name() -> None:
    """In the order of `Options`, and of a type that takes each default."""
    assert [*OptionArguments.__annotations__] == [*Options.__struct_fields__]
    for name, kind in get_type_hints(OptionArguments).items():
        default = getattr(Options(), name)
        msgspec.convert(list(default) if isinstance(default, tuple) else default, kind, strict=True)
        assert type(None) in get_args(kind)


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
