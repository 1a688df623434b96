"""The backends by name: what planning needs to know of each before it is opened, and how to open it.

Other packages add a backend by an entry point `framefleet.backends`, whose name is the backend's and whose object is
a `BackendKind`. Importing this module loads none of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from math import inf

from framefleet.config.endpoints import Fleet
from framefleet.config.options import Options
from framefleet.errors import SetupError, UsageError
from framefleet.fleet.backends.base import CALLS, IN_PROCESS, JOB_QUEUE, Backend
from framefleet.stages.base import Capabilities, Handler


@dataclass(frozen=True, slots=True)
class OpenedEndpoint:
    """An endpoint that a backend serves: its id there, how many requests are sent at once, and its handler.

    `open_handler` loads the stage's own model into this process.
    """

    id: str
    workers: int
    open_handler: Callable[[], Handler]


class BackendKind(ABC):
    """A backend before it is opened."""

    name: str
    capabilities: Capabilities

    @abstractmethod
    def serves(self, fleet: Fleet, endpoint: str) -> str | None:
        """Return the id of the endpoint of this kind ("yolo") at the backend; None if it is not set up."""

    def key(self, endpoints: Mapping[str, OpenedEndpoint], options: Options) -> Hashable:
        """Return what an open backend depends on: analyses of a session with equal keys share a remote one."""
        return tuple(sorted((kind, endpoint.id, endpoint.workers) for kind, endpoint in endpoints.items())), repr(
            options
        )

    @abstractmethod
    def open(self, endpoints: Mapping[str, OpenedEndpoint], options: Options, fleet: Fleet) -> Backend:
        """Open the backend for these endpoints, by their kinds. Raises `AuthError` if a key is needed and not set."""


class RunPodKind(BackendKind):
    """RunPod's serverless endpoints."""

    name, capabilities = "runpod", JOB_QUEUE

    def serves(self, fleet: Fleet, endpoint: str) -> str | None:
        return fleet.endpoints.get(endpoint)

    def key(self, endpoints: Mapping[str, OpenedEndpoint], options: Options) -> Hashable:
        return options.patience_s, options.runsync

    def open(self, endpoints: Mapping[str, OpenedEndpoint], options: Options, fleet: Fleet) -> Backend:
        from framefleet.fleet.backends.runpod.backend import RunPodBackend

        return RunPodBackend(fleet, patience_s=options.patience_s, runsync=options.runsync)


class ApiKind(BackendKind):
    """An OpenAI-compatible transcription service."""

    name, capabilities = "api", CALLS

    def serves(self, fleet: Fleet, endpoint: str) -> str | None:
        return fleet.whisper_api if endpoint == "whisper" else None

    def key(self, endpoints: Mapping[str, OpenedEndpoint], options: Options) -> Hashable:
        (endpoint,) = endpoints.values()
        return endpoint.id, endpoint.workers, options.whisper_rpm

    def open(self, endpoints: Mapping[str, OpenedEndpoint], options: Options, fleet: Fleet) -> Backend:
        from framefleet.fleet.backends.openai.backend import OpenAiBackend

        (endpoint,) = endpoints.values()
        rpm = (options.whisper_rpm or inf) / fleet.share
        return OpenAiBackend(endpoint.id, fleet.whisper_api_key, rpm=rpm, workers=endpoint.workers)


class LocalKind(BackendKind):
    """Models in this process."""

    name, capabilities = "local", IN_PROCESS

    def serves(self, fleet: Fleet, endpoint: str) -> str | None:
        return ""

    def open(self, endpoints: Mapping[str, OpenedEndpoint], options: Options, fleet: Fleet) -> Backend:
        from framefleet.fleet.backends.inprocess import LocalBackend

        return LocalBackend({kind: endpoint.open_handler for kind, endpoint in endpoints.items()})


@cache
def backends() -> Mapping[str, BackendKind]:
    """Return all backends by name, in the order of `auto`'s preference. Raises `SetupError` for one that is broken."""
    from importlib.metadata import entry_points  # takes 20 ms, which only planning needs

    further = {}
    for entry in entry_points(group="framefleet.backends"):
        try:
            further[entry.name] = entry.load()
        except Exception as error:
            raise SetupError(
                f"the backend {entry.name} of {entry.value} cannot be loaded: {error}", code="backend_broken"
            ) from error
    first, last = (RunPodKind(), ApiKind()), LocalKind()
    return {kind.name: kind for kind in first} | further | {last.name: last}


def backend_named(name: str) -> BackendKind:
    """Return the kind of that name. Raises `UsageError` if there is none."""
    if name not in backends():
        raise UsageError(f"--backend {name}: no such backend", hint=f"choose from auto, {', '.join(backends())}")
    return backends()[name]


def capabilities_of(name: str) -> Capabilities:
    """Return what the backend of that name can do. Raises `UsageError` if there is none."""
    return backend_named(name).capabilities
