"""Classifiers of sound that answer a batch of slices: YAMNet here, AST on a GPU worker."""

from typing import Literal

from framefleet.stages.sounds.worker.engines.base import SoundClassifier

EngineKind = Literal["yamnet", "ast"]


def open_engine(model: str | None = None, kind: EngineKind = "yamnet", *, threads: int = 0) -> SoundClassifier:
    """The classifier in the folder `model` (None: the YAMNet that set-up fetched), loaded now.

    `threads` of the CPU are for one batch; 0 leaves it to the engine. Raises `SetupError`.
    """
    if kind == "ast":
        from framefleet.stages.sounds.worker.engines.ast import AstEngine

        return AstEngine(model, threads=threads)
    from framefleet.stages.sounds.worker.engines.yamnet import YamnetEngine

    return YamnetEngine(model, threads=threads)
