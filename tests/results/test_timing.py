"""What the document says of a run's time, from meters whose clock is told."""

from types import SimpleNamespace
from typing import Any

from framefleet.config.options import Options
from framefleet.fleet.backends.base import Receipt
from framefleet.fleet.backends.registry import capabilities_of
from framefleet.fleet.billing.usage import JobUsage
from framefleet.fleet.execution.dispatcher import Outcome
from framefleet.metrics import BusyTimer
from framefleet.pipeline.derive import ClientResult
from framefleet.results.timing.components import build_timing, circumstances, parts_of, stage_timing
from framefleet.stages.base import Stage
from framefleet.stages.registry import remote


def metered(*changes: tuple[float, int], done: float = 0) -> BusyTimer:
    """A meter that saw so many blocks begin (+1) and end (-1) at these times."""
    now = 0.0
    meter = BusyTimer(lambda: now)
    for time, by in changes:
        now = time
        meter.begin() if by > 0 else meter.end()
    meter.count(done)
    return meter


def working(busy_s: float, until_s: float | None = None, done: float = 0) -> BusyTimer:
    """Busy for so long, and waiting from then on, until the very end."""
    until_s = busy_s if until_s is None else until_s
    return metered((0.0, +1), (busy_s, -1), (until_s, +1), (until_s, -1), done=done)


def stage_run(
    name: str, backend: str, asked: BusyTimer, *, prefiltering: BusyTimer | None = None, charges: Any = ()
) -> Any:
    stage: Stage = remote()[name].stage
    return SimpleNamespace(
        plan=SimpleNamespace(
            stage=stage, backend=backend, capabilities=capabilities_of(backend), workers=5, items=[0] * 9
        ),
        outcome=Outcome(charges=list(charges)),
        asked=asked,
        in_hand=asked,
        prefiltering=prefiltering or BusyTimer(),
    )


def run_of(
    stages: dict[str, Any], decode: dict[str, BusyTimer], client: dict[str, ClientResult] | None = None, **options: Any
) -> Any:
    return SimpleNamespace(options=Options(**options), stages=stages, client=client or {}, decode=decode, wall_s=20.0)


def test_what_waits_is_what_is_in_hand_and_not_asked_about() -> None:
    asked = metered((1.0, +1), (3.0, -1), (5.0, +1), (9.0, -1), done=12)
    in_hand = metered((1.0, +1), (1.0, +1), (3.0, -1), (9.0, -1))
    stage: Any = SimpleNamespace(asked=asked, in_hand=in_hand)
    timing = stage_timing(stage)
    assert (timing.busy_s, timing.waiting_s) == (6.0, 2.0)
    assert (timing.done, timing.per_s) == (12.0, 2.0)
    assert timing.queue_mean == (2 * 2 + 6 - 6) / 8


def test_a_stage_that_had_nothing_to_do_has_no_queue() -> None:
    stage: Any = SimpleNamespace(asked=BusyTimer(), in_hand=BusyTimer())
    timing = stage_timing(stage)
    assert (timing.busy_s, timing.done, timing.per_s, timing.queue_mean) == (0.0, None, None, None)


def test_decoding_the_sound_counts() -> None:
    """Half an hour in which nobody speaks: nothing is asked."""
    speech = stage_run("speech", "runpod", BusyTimer(), prefiltering=working(4.0))
    timing = build_timing(run_of({"speech": speech}, {"sound": working(9.0, 14.0)}))
    assert timing.bottleneck == "decode sound"
    assert timing.decode["sound"].waiting_s == 1.0, "of the 5 s between, 4 s went into looking for speech"
    assert timing.prefilter["speech"].busy_s == 4.0
    assert timing.overlap == 13 / 20


def test_the_thread_of_the_pictures_has_scenes_to_look_for_too() -> None:
    scenes = ClientResult([], working(3.0, done=50))
    run = run_of(
        {"text": stage_run("text", "local", working(2.0))}, {"pictures": working(5.0, 9.0, 70)}, {"scenes": scenes}
    )
    timing = build_timing(run)
    assert timing.decode["pictures"].waiting_s == 1.0
    assert timing.bottleneck == "decode"
    assert timing.prefilter == {}
    how = circumstances(run)
    assert (how.dense, how.sparse) == (50, 20)
    assert how == circumstances(run_of({}, run.decode, run.client, sampling="exact"))


def test_models_here_take_turns_and_endpoints_do_not() -> None:
    parts = parts_of(
        run_of(
            {
                "objects": stage_run("objects", "local", working(6.0)),
                "speech": stage_run("speech", "local", working(5.0)),
                "sounds": stage_run("sounds", "runpod", working(4.0)),
            },
            {"pictures": working(5.0)},
            {"tracks": ClientResult([], working(1.0))},
        )
    )
    assert parts["objects"].line == parts["speech"].line
    assert len({part.line for part in parts.values()}) == 4


def test_a_ceiling_is_one_only_where_it_held() -> None:
    def asked(**options: Any) -> Any:
        charges = [JobUsage(0.5, Receipt("a", 5000, 100)), JobUsage(0.6, Receipt("b", 5000, 100))]
        stage = stage_run("objects", "runpod", working(9.0), charges=charges)
        return parts_of(run_of({"objects": stage}, {}, **options))["objects"].asked

    assert (asked(max_workers=5).places, asked(max_workers=5).ceiling) == (5, True)
    assert asked(max_workers=8).ceiling is False
    assert (asked(max_workers="auto").places, asked(max_workers="auto").ceiling) == (4, False)
    assert asked(warm=1).count == 1
