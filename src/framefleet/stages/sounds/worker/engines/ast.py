"""The Audio Spectrogram Transformer on torch, by transformers, for a GPU worker."""

from pathlib import Path
from typing import Any

import numpy as np

from framefleet.errors import SetupError, WorkerError
from framefleet.models import file_sha256
from framefleet.stages.sounds.worker.engines.base import Scores, Slices, Slicing
from framefleet.timebase import Seconds

RATE = 16_000
FRAME_S = 0.01  # of the spectrogram; the model's `max_length` counts them
OVERLAP = 4  # slices at each point by default, so that an event's ends are exact to a quarter of a slice


class AstEngine:
    """See `SoundClassifier`. `model` is a folder with config.json, preprocessor_config.json and model.safetensors."""

    def __init__(self, model: str | None, *, threads: int = 0) -> None:
        folder = _folder(model)
        try:
            import torch
            from transformers import AutoFeatureExtractor, AutoModelForAudioClassification
        except ImportError as error:
            raise SetupError(f"{error.name} is not installed", hint="install torch and transformers") from None
        if threads:
            torch.set_num_threads(threads)
        self._torch = torch
        self._cuda = torch.cuda.is_available()
        self.device = "cuda:0" if self._cuda else "cpu"
        self.gpu: str | None = torch.cuda.get_device_name(0) if self._cuda else None
        try:
            self._features = AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
            network = AutoModelForAudioClassification.from_pretrained(
                folder, local_files_only=True, use_safetensors=True
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise SetupError(f"{folder}: transformers cannot load the model: {error}") from None
        self._network: Any = network.to(self.device, torch.float16 if self._cuda else torch.float32).eval()
        self._longest_s = self._features.max_length * FRAME_S
        names = network.config.id2label
        self.labels = [str(names[number]) for number in range(len(names))]
        self.model = folder.name
        self.model_id = file_sha256(folder / "model.safetensors")

    def settle(self, slice_s: Seconds | None, hop_s: Seconds | None) -> Slicing:
        asked = slice_s or self._longest_s
        if asked > self._longest_s:
            raise WorkerError(
                "unsupported", f"slice_s {asked:g}: {self.model} takes at most {self._longest_s:g} s; request less"
            )
        return Slicing(asked, hop_s or asked / OVERLAP)

    def classify(self, slices: Slices) -> Scores:
        try:
            return self._scores(slices)
        except self._torch.OutOfMemoryError as error:
            reason = f"{len(slices)} slices: {error}"
        # After the error is released: its traceback holds the batch that did not fit.
        self._torch.cuda.empty_cache()
        raise WorkerError("out_of_memory", reason)

    def _scores(self, slices: Slices) -> Scores:
        """Run one pass over the whole batch."""
        made = self._features(list(slices), sampling_rate=RATE, return_tensors="pt")
        inputs = made["input_values"].to(self.device, self._network.dtype)
        with self._torch.inference_mode():
            logits = self._network(inputs).logits.float()
        # AudioSet's classes are not exclusive, and the model was trained with a sigmoid for each
        scores: Scores = self._torch.sigmoid(logits).cpu().numpy().astype(np.float32, copy=False)
        return scores


def _folder(model: str | None) -> Path:
    if model is None:
        raise SetupError("AST has no embedded model", hint="name a folder, such as ast-finetuned-audioset-10-10-0.4593")
    folder = Path(model)
    if not (folder / "model.safetensors").is_file():
        raise SetupError(
            f"{model}: not a folder with an AST model (model.safetensors)",
            hint="download one: a worker does not do that itself",
        )
    return folder
