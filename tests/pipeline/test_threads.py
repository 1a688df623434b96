import pytest

from framefleet.pipeline.executor import decoding_threads


@pytest.mark.parametrize(
    ("cores", "models_here", "threads"), [(8, False, 8), (8, True, 4), (2, True, 1), (1, True, 1), (4, False, 4)]
)
def test_models_on_this_machine_have_cores_of_their_own(cores: int, models_here: bool, threads: int) -> None:
    assert decoding_threads(cores, models_here=models_here) == threads
