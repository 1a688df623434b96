"""Sound classifiers for a batch of slices: YAMNet on this machine, AST on a GPU worker."""

from typing import Literal

from framefleet.stages.sounds.worker.engines.base import SoundClassifier

EngineKind = Literal["yamnet", "ast"]


def open_engine(model: str | None = None, kind: EngineKind = "yamnet", *, threads: int = 0) -> SoundClassifier:
    """Load the classifier in the folder `model` (None: the YAMNet that setup downloaded), and return it.

    `threads` is the number of CPU threads per batch; 0 leaves it to the engine. Raises `SetupError`.
    """
    if kind == "ast":
        from framefleet.stages.sounds.worker.engines.ast import AstEngine

        return AstEngine(model, threads=threads)
    from framefleet.stages.sounds.worker.engines.yamnet import YamnetEngine

    return YamnetEngine(model, threads=threads)
