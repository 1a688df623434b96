"""Handlers by name: a stage's own on its embedded model, or a function or a RunPod configuration of a module."""

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from framefleet.config.loading import load_options
from framefleet.emulator.runners import Given
from framefleet.errors import UsageError
from framefleet.stages import registry


def check_handler(name: str) -> None:
    """Check that `name` may be a handler, without loading it. Raises `UsageError`."""
    module, colon, function = name.partition(":")
    stages = registry.remote()
    if name in stages:
        return
    _here()
    try:
        found = bool(colon and function) and importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        found = False
    if not found:
        raise UsageError(
            f"--handler: {name!r} is neither {' nor '.join(stages)} nor module:function of a module in this folder"
        )


def load_handler(name: str) -> Given:
    """Load the handler and return it. Raises what loading it raises."""
    if name in registry.remote():
        return registry.remote()[name].stage.open_handler(load_options({}))
    _here()
    module, _, function = name.partition(":")
    found: Any = getattr(importlib.import_module(module), function)
    if not callable(found["handler"] if isinstance(found, dict) and "handler" in found else found):
        raise UsageError(f"--handler: {name} is neither a function nor a dict with a handler")
    given: Given = found
    return given


def _here() -> None:
    """Make modules of the working folder importable, where users have their handlers."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
