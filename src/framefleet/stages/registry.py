"""The stages by name: the built-in ones, those of other packages, and those that a program registers. Loads none.

Another package declares its stages by entry points in the group `framefleet.stages`, each of which names a `StageSpec`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points

from framefleet.config.options import DECLARED, Declared, settings_of
from framefleet.errors import SetupError, UsageError
from framefleet.logs import logger
from framefleet.stages.faces.spec import FACES
from framefleet.stages.looks.spec import LOOKS
from framefleet.stages.objects.spec import OBJECTS
from framefleet.stages.scenes.spec import SCENES
from framefleet.stages.sounds.spec import SOUNDS
from framefleet.stages.speakers.spec import SPEAKERS
from framefleet.stages.spec import Belongs, Remote, StageSpec, Watching
from framefleet.stages.speech.spec import SPEECH
from framefleet.stages.text.spec import TEXT
from framefleet.stages.tracks.spec import TRACKS

log = logger(__name__)

GROUP = "framefleet.stages"

SPECS: dict[str, StageSpec] = {}
"""Every registered stage, in the order in which they are listed."""


_OF_SHOW = {"result", "at", "from", "start", "to", "end", "find", "json", "log", "help", "asked"}


def register(spec: StageSpec) -> None:
    """Add a stage. Raises `SetupError` for a name that is taken or invalid, `UsageError` for options without help."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", spec.name) or spec.name == "all":
        raise SetupError(
            f"stage {spec.name!r}: invalid name",
            hint="use lower-case letters, digits and _, and not the name all",
            code="stage_name_invalid",
        )
    if spec.name in SPECS:
        raise SetupError(f"stage {spec.name}: the name is taken", code="stage_name_taken")
    settings_of(spec.options)
    search = spec.output.search
    taken = {one.output.search.option for one in SPECS.values() if one.output.search is not None} | _OF_SHOW
    if search is not None and (search.option in taken or not re.fullmatch(r"[a-z]+", search.option)):
        raise SetupError(f"stage {spec.name}: framefleet show cannot have an option --{search.option} for it")
    SPECS[spec.name] = spec
    DECLARED[spec.name] = Declared(spec.options, spec.runs.endpoint if isinstance(spec.runs, Remote) else None)


def unregister(name: str) -> None:
    """Remove a registered stage."""
    SPECS.pop(name, None)
    DECLARED.pop(name, None)


@contextmanager
def registered(*specs: StageSpec) -> Iterator[None]:
    """Add these stages for the time of the block."""
    added: list[str] = []
    try:
        for spec in specs:
            register(spec)
            added.append(spec.name)
        yield
    finally:
        for name in added:
            unregister(name)


def spec_of(name: str) -> StageSpec:
    """Return the stage of this name. Raises `UsageError` if there is none."""
    if name not in SPECS:
        raise UsageError(
            f"--stages {name}: no such stage", hint=f"choose from {', '.join(SPECS)}", code="stage_unknown"
        )
    return SPECS[name]


def needs() -> dict[str, tuple[str, ...]]:
    """Return by every registered stage the stages whose results it needs."""
    return {name: spec.needs for name, spec in SPECS.items()}


def default() -> tuple[str, ...]:
    """Return the stages of a run that names none."""
    return tuple(name for name, spec in SPECS.items() if spec.belongs is Belongs.DEFAULT)


def everything() -> tuple[str, ...]:
    """Return the stages of `--stages all`."""
    return tuple(name for name, spec in SPECS.items() if spec.belongs is not Belongs.BY_NAME)


def remote() -> dict[str, Remote]:
    """Return the stages that run on endpoints, with how they run."""
    return {name: spec.runs for name, spec in SPECS.items() if isinstance(spec.runs, Remote)}


def watches(name: str) -> bool:
    """Return whether the stage watches frames on the client."""
    return isinstance(spec_of(name).runs, Watching)


def declared_elsewhere() -> Iterator[StageSpec]:
    """Yield the stages that other packages declare. One that cannot be loaded is logged and skipped."""
    for point in entry_points(group=GROUP):
        try:
            spec = point.load()
        except Exception as error:  # a broken plug-in must not break every command
            log.warning("stage %s of %s cannot be loaded", point.name, point.value, exc_info=error)
            continue
        if isinstance(spec, StageSpec):
            yield spec
        else:
            log.warning("stage %s: %s is not a StageSpec", point.name, point.value)


for _spec in (OBJECTS, SPEECH, SPEAKERS, SOUNDS, TEXT, SCENES, TRACKS, FACES, LOOKS):
    register(_spec)
for _spec in declared_elsewhere():
    try:
        register(_spec)
    except (SetupError, UsageError) as _error:
        log.warning("%s", _error)
