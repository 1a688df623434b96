"""Vectors of short texts, by which those that mean alike are found. English; other languages have hardly any meaning.

The model is all-MiniLM-L6-v2, which set-up fetches. Its tokenizer needs only the vocabulary, which is in the project.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefleet.errors import SetupError
from framefleet.install_hints import with_extra
from framefleet.models import FOLDER
from framefleet.models.store import has_model, model_folder

MODEL = "minilm"
"""The model's name in the catalog."""

IDENTITY = "all-MiniLM-L6-v2-int8"
"""What a stored vector depends on apart from its text. Vectors of different identities cannot be compared."""

SIZE = 384  # numbers of a vector

MOST_TOKENS = 256
"""The rest of a text is ignored, as the model was trained: about 200 words."""

_BATCH_TOKENS = 256  # of a batch, with padding: 6 to 20 texts; 1,024 leave the caches and take a third longer
_VOCABULARY = FOLDER / "bert-uncased.vocab"


class Embedder:
    """The model, loaded. One thread, because several side by side use a machine better than one that waits for all."""

    def __init__(self, model: Path, vocabulary: Path = _VOCABULARY) -> None:
        try:
            import onnxruntime
            from tokenizers import BertWordPieceTokenizer
        except ImportError as error:
            raise SetupError(f"{error.name} is not installed", hint=with_extra("local")) from None
        words = vocabulary.read_text(encoding="utf-8").split("\n")[:-1]  # not splitlines: some entries are such signs
        self._tokenizer = BertWordPieceTokenizer({word: number for number, word in enumerate(words)}, lowercase=True)
        self._tokenizer.enable_truncation(MOST_TOKENS)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3  # errors only
        try:
            self._session: Any = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 - ONNX Runtime raises a different type for each way to be broken
            raise SetupError(f"{model}: ONNX Runtime cannot load it: {error}") from None

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return a vector of length 1 for each text, float32 (n, 384). The dot product of two is their similarity.

        A vector depends on its text alone, not on what it is embedded together with.
        """
        tokens = [coded.ids for coded in self._tokenizer.encode_batch(list(texts))]
        vectors = np.empty((len(texts), SIZE), np.float32)
        for batch in batches([len(ids) for ids in tokens], _BATCH_TOKENS):
            vectors[batch] = self._embed([tokens[index] for index in batch])
        return vectors

    def _embed(self, tokens: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        ids = np.zeros((len(tokens), max(map(len, tokens))), np.int64)
        mask = np.zeros_like(ids)
        for row, found in enumerate(tokens):
            ids[row, : len(found)] = found
            mask[row, : len(found)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (states,) = self._session.run(None, feed)
        means = (states * mask[..., None].astype(np.float32)).sum(axis=1)  # but for their lengths
        vectors: NDArray[np.float32] = means / np.linalg.norm(means, axis=1, keepdims=True)
        return vectors


def batches(lengths: Sequence[int], most: int) -> list[list[int]]:
    """Return the indices in batches of alike length, each of at most `most` tokens with padding, or of one text."""
    made: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if made and lengths[index] * (len(made[-1]) + 1) <= most:
            made[-1].append(index)
        else:
            made.append([index])
    return made


def has_embedder() -> bool:
    """Return whether the model is complete on this machine."""
    return has_model(MODEL)


def open_embedder() -> Embedder:
    """Load the model that set-up fetched. Raises `SetupError` ("model_missing") with the command that fetches it."""
    return Embedder(model_folder(MODEL) / "minilm.onnx")
