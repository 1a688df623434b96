"""Advice is followed in simulated runs: nothing that it says makes one slower or dearer."""

import re
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from framefleet.results.timing.advice import Circumstances, judge

from .simulated import Ran, Simulation, World

WORSE = 1.05


def run(world: World) -> tuple[Ran, str]:
    ran = Simulation(world).run()
    advice = judge(ran.wall_s, ran.parts, Circumstances(sparse=world.requests, warm=world.warm)).advice
    return ran, advice or ""


def followed(world: World, advice: str) -> World | None:
    """The same with what was advised; None where that is nothing about places, workers or waking.

    Min workers "are billed all the time", as is said: that is for whoever wants to pay for it.
    """
    places = re.search(r"--max-workers to (\d+)", advice)
    workers = re.search(r"the endpoint's max workers to (\d+)", advice)
    if places:
        more = int(places[1])
        too = max(world.workers, more) if "the endpoint's too" in advice else world.workers
        return replace(world, places=more, workers=too)
    if workers:
        return replace(world, workers=int(workers[1]))
    return replace(world, warm=True) if "--warm" in advice else None


# 10,000 pictures in 1,000 requests of a fifth of a second each, on workers of which there are enough
MANY = World(requests=1000, batch_s=0.2, places=20, workers=500, fed_s=0.005)
SLOW_HERE = replace(MANY, cores=1, cpu_s=0.06)
SLOW_WAY = replace(MANY, upload_s=0.06)
SLOW_RATE = replace(MANY, batch_s=0.05, run_rate=15.0)
FEW_LOOKS = replace(MANY, batch_s=0.05, status_rate=45.0)


@pytest.mark.full
@pytest.mark.parametrize("places", [20, 100])
@pytest.mark.parametrize(
    ("world", "limit"),
    [
        (SLOW_HERE, "this machine's CPU is the bottleneck"),
        (SLOW_WAY, "this machine or its network is the bottleneck"),
        (SLOW_RATE, "RunPod's rate limit is the bottleneck"),
        (FEW_LOOKS, "RunPod's rate limit is the bottleneck"),
    ],
)
def test_what_limits_is_named_where_it_is_not_the_workers(world: World, limit: str, places: int) -> None:
    ran, advice = run(replace(world, places=places))
    assert advice.startswith(f"objects: {limit}")
    assert ", idle " in advice
    assert "raise" not in advice
    twice, _ = run(replace(world, places=2 * places))
    assert twice.wall_s > 0.95 * ran.wall_s, "more workers would have been no faster"


@pytest.mark.parametrize("world", [SLOW_HERE, SLOW_WAY, SLOW_RATE])
def test_fewer_workers_are_as_fast_where_that_is_said(world: World) -> None:
    ran, advice = run(world)
    assert advice.endswith(": fewer would be as fast")
    then, _ = run(replace(world, places=world.places // 2))
    assert then.wall_s < WORSE * ran.wall_s
    assert then.billed_s < WORSE * ran.billed_s


@pytest.mark.parametrize("batch_s", [0.5, 5.0])
def test_more_workers_are_advised_where_they_help(batch_s: float) -> None:
    world = World(requests=2000, batch_s=batch_s, places=5, workers=500, fed_s=0.01)
    ran, advice = run(world)
    assert "busy with more to do: raise --max-workers to" in advice
    more = followed(world, advice)
    assert more is not None
    then, _ = run(more)
    assert then.wall_s < 0.75 * ran.wall_s


def test_a_long_way_is_no_limit_and_more_at_once_make_up_for_it() -> None:
    world = World(requests=2000, batch_s=0.2, places=5, workers=3, way_s=0.3, fed_s=0.01)
    ran, advice = run(world)
    assert " idle " in advice and "with more to do: raise --max-workers to" in advice
    more = followed(world, advice)
    assert more is not None
    assert run(more)[0].wall_s < 0.9 * ran.wall_s


worlds = st.builds(
    World,
    requests=st.integers(20, 1500),
    batch_s=st.floats(0.05, 5),
    places=st.integers(1, 500),
    workers=st.integers(1, 500),
    cores=st.integers(1, 8),
    cpu_s=st.floats(0.001, 0.1),
    upload_s=st.sampled_from([0.0, 0.0, 0.002, 0.02, 0.1]),
    way_s=st.floats(0.001, 0.5),
    fed_s=st.floats(0.0005, 0.5),
    cold_s=st.sampled_from([0.0, 3.0, 20.0, 60.0]),
    warm=st.booleans(),
    seed=st.integers(0, 1000),
)


def check(world: World) -> bool:
    """Whether there was something to follow; what comes of it is no slower and no dearer."""
    ran, advice = run(world)
    then = followed(world, advice)
    if then is None:
        return False
    after = Simulation(then).run()
    assert after.wall_s <= WORSE * ran.wall_s, f"slower by {after.wall_s / ran.wall_s - 1:.1%}: {advice}"
    assert after.billed_s <= WORSE * ran.billed_s, f"dearer by {after.billed_s / ran.billed_s - 1:.1%}: {advice}"
    return True


@pytest.mark.full
@settings(max_examples=60, derandomize=True)
@given(worlds)
def test_who_follows_advice_is_no_slower_and_pays_no_more(world: World) -> None:
    assume(world.requests * world.batch_s / min(world.places, world.workers) < 3600)
    check(world)
