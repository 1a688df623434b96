"""The public surface, and that it costs nothing until it is used."""

import subprocess
import sys

import framefleet
from tests.conftest import ROOT


def test_what_is_exported() -> None:
    assert framefleet.__all__ == ["Options", "__version__", "analyze"]
    for name in framefleet.__all__:
        assert getattr(framefleet, name) is not None
    assert not hasattr(framefleet, "nothing")


def imported(code: str) -> set[str]:
    """The packages that a fresh interpreter has loaded after `code`."""
    program = f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r}); {code}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_importing_the_package_loads_no_client() -> None:
    assert not imported("import framefleet") & {"av", "requests", "typer", "numpy", "msgspec"}


def test_a_worker_does_not_load_the_client() -> None:
    loaded = imported("import framefleet.stages.objects.handle, framefleet.stages.speech.handle")
    assert not loaded & {"requests", "typer", "tqdm", "torch", "ultralytics", "runpod"}


def test_the_command_line_loads_no_model_library() -> None:
    loaded = imported("import framefleet.cli")
    assert not loaded & {"onnxruntime", "faster_whisper", "ctranslate2", "torch", "ultralytics", "runpod"}
