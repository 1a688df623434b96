import pytest

from framefleet.pipeline.executor import decoding_threads
from framefleet.schema.cost import Backend


@pytest.mark.parametrize(
    ("cores", "backends", "threads"),
    [(8, ["runpod", "api"], 8), (8, ["runpod", "local"], 4), (2, ["local"], 1), (1, ["local"], 1), (4, [], 4)],
)
def test_models_on_this_machine_have_cores_of_their_own(cores: int, backends: list[Backend], threads: int) -> None:
    assert decoding_threads(cores, backends) == threads
