"""Texts that mean alike have near vectors, whatever they are embedded together with."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.embedding import SIZE, Embedder, batches, has_embedder, open_embedder
from framefleet.errors import SetupError
from framefleet.models import FOLDER, file_sha256

needs_minilm = [
    pytest.mark.full,
    pytest.mark.skipif(not has_embedder(), reason="MiniLM was not fetched: python -m framefleet.models.fetch minilm"),
]


@given(st.lists(st.integers(1, 300)), st.integers(1, 600))
def test_each_text_is_in_one_batch_that_is_no_larger_than_allowed(lengths: list[int], most: int) -> None:
    made = batches(lengths, most)
    assert sorted(index for batch in made for index in batch) == list(range(len(lengths)))
    for batch in made:
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= most


def test_texts_of_alike_length_are_embedded_together() -> None:
    assert batches([9, 2, 8, 2], 18) == [[1, 3], [2, 0]]


def test_a_missing_model_says_how_to_fetch_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(tmp_path))
    assert not has_embedder()
    with pytest.raises(SetupError) as failed:
        open_embedder()
    assert failed.value.code == "model_missing"
    assert failed.value.hint is not None
    assert failed.value.hint.endswith("-m framefleet.models.fetch minilm")


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "minilm.onnx").write_bytes(b"no model")
    with pytest.raises(SetupError, match=r"minilm\.onnx: ONNX Runtime cannot load it"):
        Embedder(tmp_path / "minilm.onnx")


def test_the_vocabulary_is_the_one_whose_source_is_stated() -> None:
    assert file_sha256(FOLDER / "bert-uncased.vocab") in (FOLDER / "PROVENANCE.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return open_embedder()


class TestModel:
    pytestmark = needs_minilm

    def test_what_means_alike_is_near_without_a_common_word(self, embedder: Embedder) -> None:
        kitten, cat, bread = embedder.embed(
            ["A kitten plays with wool.", "The young cat chases yarn.", "Knead the dough and let it rise."]
        )
        assert kitten @ cat > 0.5 > 0.25 > kitten @ bread

    def test_vectors_have_length_one_and_keep_the_order_of_their_texts(self, embedder: Embedder) -> None:
        texts = ["a much longer text about a cat on a sofa in the sun " * 3, "dog", "", "東京", "Äpfel & Öl"]
        together = embedder.embed(texts)
        assert together.shape == (5, SIZE)
        assert together.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
        alone = np.concatenate([embedder.embed([text]) for text in texts])
        np.testing.assert_allclose(together, alone, atol=1e-5)

    def test_no_text_gives_no_vector(self, embedder: Embedder) -> None:
        assert embedder.embed([]).shape == (0, SIZE)

    def test_what_is_too_long_is_cut(self, embedder: Embedder) -> None:
        beginning = "cat " * 300
        one, two = embedder.embed([beginning, beginning + "and a rocket " * 50])
        np.testing.assert_allclose(one, two, atol=1e-5)
