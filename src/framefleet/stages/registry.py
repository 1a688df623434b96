"""The stages by name: ours, those of other packages, and those that a program registers. Loads none of them.

Another package declares its own by an entry point in the group `framefleet.stages` that leads to a `StageSpec`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points

from framefleet.config.options import DECLARED, Declared, settings_of
from framefleet.errors import SetupError, UsageError
from framefleet.logs import logger
from framefleet.stages.faces.spec import FACES
from framefleet.stages.objects.spec import OBJECTS
from framefleet.stages.scenes.spec import SCENES
from framefleet.stages.sounds.spec import SOUNDS
from framefleet.stages.spec import Belongs, Remote, StageSpec, Watching
from framefleet.stages.speech.spec import SPEECH
from framefleet.stages.text.spec import TEXT
from framefleet.stages.tracks.spec import TRACKS

log = logger(__name__)

GROUP = "framefleet.stages"

SPECS: dict[str, StageSpec] = {}
"""Every stage there is, in the order in which they are told of."""


def register(spec: StageSpec) -> None:
    """Adds a stage. Raises `SetupError` for a name that is taken, or is none, `UsageError` for options without help."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", spec.name) or spec.name == "all":
        raise SetupError(f"stage {spec.name!r}: a name is small letters, digits and _, and not all")
    if spec.name in SPECS:
        raise SetupError(f"stage {spec.name}: there is one of that name already")
    settings_of(spec.options)
    SPECS[spec.name] = spec
    DECLARED[spec.name] = Declared(spec.options, spec.runs.endpoint if isinstance(spec.runs, Remote) else None)


def unregister(name: str) -> None:
    """Takes a stage away that was registered."""
    SPECS.pop(name, None)
    DECLARED.pop(name, None)


@contextmanager
def registered(*specs: StageSpec) -> Iterator[None]:
    """Within it there are these stages as well."""
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
    """Raises `UsageError` where there is none of this name."""
    if name not in SPECS:
        raise UsageError(f"--stages {name}: no such stage; there are {', '.join(SPECS)}")
    return SPECS[name]


def needs() -> dict[str, tuple[str, ...]]:
    """Every stage there is, and the stages whose results it works on."""
    return {name: spec.needs for name, spec in SPECS.items()}


def default() -> tuple[str, ...]:
    """The stages of a run that names none."""
    return tuple(name for name, spec in SPECS.items() if spec.belongs is Belongs.DEFAULT)


def everything() -> tuple[str, ...]:
    """The stages of `--stages all`."""
    return tuple(name for name, spec in SPECS.items() if spec.belongs is not Belongs.BY_NAME)


def remote() -> dict[str, Remote]:
    """How those run that are asked of endpoints."""
    return {name: spec.runs for name, spec in SPECS.items() if isinstance(spec.runs, Remote)}


def watches(name: str) -> bool:
    """Whether the stage looks at pictures here."""
    return isinstance(spec_of(name).runs, Watching)


def declared_elsewhere() -> Iterator[StageSpec]:
    """What other packages declare. One that cannot be loaded is left out, and told of in the log."""
    for point in entry_points(group=GROUP):
        try:
            spec = point.load()
        except Exception as error:  # another's fault must not end every command
            log.warning("stage %s of %s cannot be loaded", point.name, point.value, exc_info=error)
            continue
        if isinstance(spec, StageSpec):
            yield spec
        else:
            log.warning("stage %s: %s is no StageSpec", point.name, point.value)


for _spec in (OBJECTS, SPEECH, SOUNDS, TEXT, SCENES, TRACKS, FACES):
    register(_spec)
for _spec in declared_elsewhere():
    try:
        register(_spec)
    except (SetupError, UsageError) as _error:
        log.warning("%s", _error)
