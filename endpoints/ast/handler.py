"""The entry point on RunPod: sounds in a clip, by AST on this worker's GPU. AST_MODEL is a folder in /models."""

import os
from pathlib import Path

from framefleet.stages.sounds.worker.handler import make_handler, open_engine


def main() -> None:
    import runpod

    model = Path("/models", os.environ.get("AST_MODEL", "ast-finetuned-audioset-10-10-0.4593"))
    runpod.serverless.start({"handler": make_handler(open_engine(str(model), "ast"))})


if __name__ == "__main__":
    main()
