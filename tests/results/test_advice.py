"""What limited a run and what would help, from facts of many kinds of runs."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.results.timing.advice import (
    HERE,
    IDLE,
    QUEUED,
    Circumstances,
    Part,
    judge,
)
from framefleet.results.timing.requests import RequestTiming

WALL_S = 100.0
HOW = Circumstances(sparse=100)
SCENES = Circumstances(dense=500, sparse=100)


def decode(needs_s: float) -> Part:
    return Part(needs_s, "pictures")


def here(needs_s: float, endpoint: str = "yolo") -> Part:
    return Part(needs_s, HERE, "a stage", endpoint)


def there(asked: RequestTiming, backend: str = "runpod") -> Part:
    return Part(asked.needs_s, "its own", "a stage", "yolo", asked, remote=True, billed=backend == "runpod")


def run_of(wall_s: float, parts: dict[str, Part], how: Circumstances = HOW) -> tuple[str | None, str | None]:
    verdict = judge(wall_s, parts, how)
    return verdict.bottleneck, verdict.advice


# 400 requests on 5 workers, all of them at work for 600 s, with as many requests ready as are asked
FULL = RequestTiming(400, 5, 5, busy_s=600, asked_s=3000, ran_s=2900, queue=4.5)
# the same for a minute: each more worker has a start and an end that are billed
SHORT = RequestTiming(40, 5, 5, busy_s=60, asked_s=300, ran_s=290, queue=4.5)
# the same, but half of each request's time is its way there and back
IDLE_AND_FULL = RequestTiming(400, 4, 4, busy_s=600, asked_s=2400, ran_s=1000, queue=3.5)
# never more than one there to ask
STARVED = RequestTiming(100, 5, 5, busy_s=80, asked_s=90, ran_s=80, queue=0.0)
COLD = RequestTiming(
    1, 1, 1, busy_s=5.3, asked_s=5.3, longest_s=5.3, start_s=5.0, starting_s=5.0, warmable_s=0.4, ran_s=0.3
)
FEW = RequestTiming(400, 10, 2, busy_s=600, asked_s=6000, queued_s=4800, ran_s=1200, queue=8)
# 1,000 requests on 20 workers that have next to nothing to do, each six times as long on its way as one alone
CROWDED = RequestTiming(1000, 20, 20, busy_s=60, asked_s=1200, ran_s=200, queue=19, send_s=0.6, alone_s=0.1)


@pytest.mark.parametrize(
    ("parts", "how", "bottleneck", "advice"),
    [
        (
            {"decode": decode(82), "objects": there(RequestTiming(40, 5, 5, 20, 100, ran_s=90))},
            HOW,
            "decode",
            "decode was 4.1 × slower than the rest: try --sampling keyframes",
        ),
        (
            {"decode": decode(82), "objects": here(20)},
            Circumstances(exact=False, sparse=100),
            "decode",
            "decode was 4.1 × slower than the rest: lower --fps",
        ),
        (
            {"decode": decode(80), "scenes": Part(2, "pictures", "scenes"), "objects": here(20)},
            SCENES,
            "decode",
            "decode was 4.1 × slower than the rest: drop the scenes stage, which takes most of its frames, "
            "or try --sampling keyframes, with scenes cut at keyframes only",
        ),
        (
            {"decode": decode(80), "scenes": Part(2, "pictures", "scenes"), "objects": here(20)},
            Circumstances(dense=500, sparse=1000),
            "decode",
            "decode was 4.1 × slower than the rest: try --sampling keyframes, with scenes cut at keyframes only",
        ),
        (
            {"decode": decode(80), "scenes": Part(2, "pictures", "scenes")},
            Circumstances(exact=False, dense=500),
            "decode",
            None,
        ),
        ({"decode": decode(80), "objects": there(STARVED)}, HOW, "decode", "4.4 × slower than the rest: try --samp"),
        (
            {"decode": decode(5), "objects": here(60)},
            HOW,
            "objects",
            "objects ran on this machine: set FRAMEFLEET_YOLO_ENDPOINT for a GPU worker",
        ),
        (
            {"decode": decode(55), "objects": here(60)},
            Circumstances(stay_here=True, sparse=100),
            "objects",
            "drop --backend local and set FRAMEFLEET_YOLO_ENDPOINT",
        ),
        (
            {"decode": decode(50), "objects": here(35), "speech": here(30, "whisper")},
            HOW,
            "objects",
            "set FRAMEFLEET_YOLO_ENDPOINT",
        ),
        (
            {"decode": decode(1), "objects": there(FULL)},
            HOW,
            "objects",
            "objects: 5 workers busy with more to do: raise --max-workers to 10, and the endpoint's too",
        ),
        ({"decode": decode(1), "objects": there(SHORT)}, HOW, "objects", "raise --max-workers to 6, and"),
        (
            {"decode": decode(450), "objects": there(FULL)},
            HOW,
            "objects",
            "raise --max-workers to 6, and",
        ),
        (
            {"decode": decode(1), "objects": there(IDLE_AND_FULL)},
            HOW,
            "objects",
            "objects: 4 workers idle 58% with more to do: raise --max-workers to 8",
        ),
        (
            {"decode": decode(1), "objects": there(FEW)},
            HOW,
            "objects",
            "objects: requests waited 4.0 × as long as they ran, for 2 workers: raise the endpoint's max workers to 4",
        ),
        (
            {"decode": decode(1), "objects": there(CROWDED)},
            HOW,
            "objects",
            "objects: this machine or its network is the bottleneck, not the 20 workers, idle 83%: "
            "fewer would be as fast",
        ),
        (
            {"decode": decode(1), "objects": there(replace(CROWDED, alone_s=0.6, cpu=0.9))},
            HOW,
            "objects",
            "objects: this machine's CPU is the bottleneck, not the 20 workers, idle 83%: fewer would be as fast",
        ),
        (
            {"decode": decode(1), "objects": there(replace(CROWDED, held_s=900))},
            HOW,
            "objects",
            "RunPod's rate limit is the bottleneck (17 requests per second sent and polled), not the 20",
        ),
        # half of the processors in use, or of the rate: there is room for a little more
        ({"decode": decode(1), "objects": there(replace(FULL, cpu=0.5))}, HOW, "objects", "raise --max-workers to 7, "),
        ({"decode": decode(1), "objects": there(replace(FULL, cpu=0.7))}, HOW, "objects", None),
        ({"decode": decode(1), "objects": there(replace(FULL, count=18_000))}, HOW, "objects", "to 7, and"),
        ({"decode": decode(1), "objects": there(replace(FULL, count=40_000))}, HOW, "objects", None),
        ({"decode sound": Part(40, "sound"), "speech": there(RequestTiming(0, 5, 1, 0, 0))}, HOW, "decode sound", None),
        (
            {
                "decode sound": Part(6, "sound"),
                "prefilter speech": Part(40, "sound", "speech", remote=True),
                "speech": there(COLD),
            },
            HOW,
            "prefilter speech",
            "--no-vad runs without it, but sends and pays for silence too",
        ),
        (
            {
                "prefilter speech": Part(40, "sound", "speech"),
                "speech": Part(1, HERE, "speech", "whisper"),
            },
            HOW,
            "prefilter speech",
            None,  # a model here takes longer to listen to silence than looking for it takes
        ),
        ({"decode": decode(5), "tracks": Part(30, "tracks", "tracks")}, HOW, "tracks", None),
        (
            {"decode": decode(50), "objects": there(RequestTiming(40, 5, 5, 60, 245, ran_s=240, queue=4))},
            HOW,
            "decode",
            None,
        ),
        ({"speech": there(FULL, "api")}, HOW, "speech", "speech: more requests were ready: raise --max-workers to 10"),
        (
            {"speech": there(FEW, "api")},
            Circumstances(paced=True),
            "speech",
            "raise --whisper-rpm, if the service allows more",
        ),
    ],
)
def test_who_the_rest_waited_for_is_named_with_what_would_help(
    parts: dict[str, Part], how: Circumstances, bottleneck: str, advice: str | None
) -> None:
    named, said = run_of(WALL_S, parts, how)
    assert named == bottleneck
    assert said is None if advice is None else advice in (said or "")


@pytest.mark.parametrize(
    ("warmable_s", "how", "remedy"),
    [
        (0.4, HOW, "set min workers on its endpoint, billed all the time"),
        (4.0, HOW, "--warm 1 wakes workers before decoding"),
        (4.0, Circumstances(warm=True), "set min workers on its endpoint, billed all the time"),
    ],
)
def test_a_worker_s_start_is_no_lack_of_workers(warmable_s: float, how: Circumstances, remedy: str) -> None:
    """One request: more workers would have nothing to do. Waking helps by as long as there was before it was asked."""
    asked = RequestTiming(
        1, 1, 1, 5.3, 5.3, longest_s=5.3, start_s=5.0, starting_s=5.0, warmable_s=warmable_s, ran_s=0.3
    )
    _, advice = run_of(6.3, {"decode": decode(0.5), "objects": there(asked)}, how)
    assert advice == f"objects: requests waited up to 5.0 s for a cold start: {remedy}"


def test_beside_a_part_that_took_next_to_nothing_no_number_is_beyond_all_bounds() -> None:
    name, advice = run_of(100, {"decode": decode(5e-324), "objects": there(FULL)})
    assert (name, "raise --max-workers to 10," in (advice or "")) == ("objects", True)


def test_a_short_run_and_a_balanced_one_need_no_advice() -> None:
    assert run_of(1.0, {"decode": decode(1)}) == (None, None)
    assert run_of(100, {"decode": decode(50), "objects": there(RequestTiming(9, 1, 1, 49, 49, ran_s=49))}) == (
        "decode",
        None,
    )
    assert run_of(100, {}) == (None, None)


seconds = st.floats(0, 1000)


@st.composite
def requests(draw: st.DrawFn) -> RequestTiming:
    """Times that agree: a request's parts are no longer than it, and no more than `places` are asked at once."""
    count, places = draw(st.integers(0, 60)), draw(st.integers(1, 20))
    starting_s, queued_s, ran_s, way_s = (draw(seconds) if count else 0.0 for _ in range(4))
    asked_s = starting_s + queued_s + ran_s + way_s
    at_once = max(1, min(places, count))
    return RequestTiming(
        count,
        places,
        workers=draw(st.integers(1, at_once)),
        busy_s=draw(st.floats(asked_s / at_once, asked_s)) if count else 0.0,
        asked_s=asked_s,
        longest_s=draw(st.floats(asked_s / count, asked_s)) if count else 0.0,
        start_s=starting_s,
        starting_s=starting_s,
        warmable_s=draw(st.floats(0, starting_s)),
        queued_s=queued_s,
        ran_s=ran_s,
        queue=draw(st.floats(0, 20)),
        ceiling=draw(st.booleans()),
    )


@st.composite
def runs(draw: st.DrawFn) -> dict[str, Part]:
    parts: dict[str, Part] = {}
    for name, made in {"decode": decode, "objects": here, "speech": here, "scenes": decode}.items():
        if draw(st.booleans()):
            parts[name] = made(draw(seconds))
    for name in ("sounds", "text"):
        if draw(st.booleans()):
            asked = draw(requests())
            parts[name] = Part(asked.needs_s, name, name, "ast", asked, remote=True, billed=True)
    return parts


how_many = st.floats(0, 1000)
told_to = st.builds(Circumstances, st.booleans(), st.booleans(), st.booleans(), st.booleans(), how_many, how_many)


@given(wall_s=seconds, parts=runs(), how=told_to)
def test_what_limited_the_run_is_of_the_line_that_needs_most(
    wall_s: float, parts: dict[str, Part], how: Circumstances
) -> None:
    name, _ = run_of(wall_s, parts, how)
    if name is None:
        assert wall_s < 3 or not parts
        return
    totals = {
        line: sum(p.needs_s for p in parts.values() if p.line == line) for line in {p.line for p in parts.values()}
    }
    assert totals[parts[name].line] == max(totals.values())
    assert all(parts[name].needs_s >= part.needs_s for part in parts.values() if part.line == parts[name].line)


@given(wall_s=seconds, parts=runs(), how=told_to)
def test_advice_never_contradicts_the_facts(wall_s: float, parts: dict[str, Part], how: Circumstances) -> None:
    name, advice = run_of(wall_s, parts, how)
    if name is None or advice is None:
        return
    part, asked = parts[name], parts[name].asked
    assert advice.startswith(name)
    assert ("--backend local" in advice) <= how.stay_here
    assert ("_ENDPOINT" in advice) == (part.line == HERE)
    assert ("keyframes" in advice) <= (name == "decode" and how.exact)
    assert ("scenes" in advice) <= (how.dense > 0)
    assert ("leave scenes out" in advice) <= (how.dense > how.sparse > 0)
    assert ("--fps" in advice) <= (not how.exact and how.sparse > 0)
    assert ("--warm" in advice) <= (not how.warm)
    assert (asked is not None) or "worker" not in advice or part.line == HERE
    if asked is not None:
        assert ("min workers" in advice or "--warm" in advice) <= (asked.starting_s > 0)
        numbers = {what: int(number) for what, number in re.findall(r"(--\S+|max workers)(?: to)? (\d+)", advice)}
        assert all(number <= asked.count for number in numbers.values())
        assert numbers.get("max workers", 1000) > asked.workers
        assert numbers.get("--max-workers", 1000) > asked.places
        assert ("--max-workers" in advice) <= (asked.queue >= QUEUED and asked.ceiling)
        assert (" idle " in advice) <= (asked.idle > IDLE)


@given(how=told_to, asked=requests())
def test_what_had_nothing_ready_is_never_told_to_ask_more_at_once(how: Circumstances, asked: RequestTiming) -> None:
    starved = replace(asked, queue=0.0, queued_s=0.0)
    _, advice = run_of(
        3.0, {"text": Part(starved.needs_s, "text", "text", "ocr", starved, remote=True, billed=True)}, how
    )
    assert "max" not in (advice or "")
