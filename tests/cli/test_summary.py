import msgspec

from framefleet.cli.summary import NOTICED_S, waited
from framefleet.fleet.cost import Cost
from tests.results.make import make_document


def cost(first_delay_s: float) -> Cost:
    made = make_document().cost
    stages = {n: msgspec.structs.replace(s, first_delay_s=first_delay_s) for n, s in made.stages.items()}
    return msgspec.structs.replace(made, stages=stages)


def test_a_cold_start_that_was_noticed_is_told() -> None:
    assert waited(cost(23.44)) == "23.4 s for a worker to start on objects"
    assert waited(cost(NOTICED_S / 2)) == ""
