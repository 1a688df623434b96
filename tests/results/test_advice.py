import pytest

from framefleet.results.advice import Load, judge

LOCAL = Load(60, "local", endpoint="yolo")
FLEET = Load(20, "runpod")
IDLE = Load(60, "runpod", 5, idle=0.61, queued=0.0, ceiling=4)
FULL = Load(60, "runpod", 5, idle=0.0, queued=3.2, ceiling=4)


@pytest.mark.parametrize(
    ("loads", "exact", "words"),
    [
        ({"decode": Load(82), "objects": FLEET}, True, "4.1 × slower than the rest: try --sampling"),
        ({"decode": Load(82), "objects": FLEET}, False, "lower --fps"),
        ({"decode": Load(5), "objects": LOCAL}, True, "FRAMEFLEET_YOLO_ENDPOINT"),
        ({"objects": IDLE}, True, "idle 61%: raise --max-workers to 8"),
        ({"objects": FULL}, True, "3.2 × as long as they ran"),
    ],
)
def test_the_slowest_part_is_named_with_what_would_help(loads: dict[str, Load], exact: bool, words: str) -> None:
    verdict = judge(100, loads, exact=exact)
    assert verdict.bottleneck == max(loads, key=lambda name: loads[name].busy_s)
    assert verdict.advice is not None
    assert words in verdict.advice


def test_a_short_run_and_a_balanced_one_need_no_advice() -> None:
    assert judge(1.0, {"decode": Load(1)}, exact=True).advice is None
    assert judge(100, {"decode": Load(50), "objects": Load(49, "runpod")}, exact=True).advice is None
    assert judge(100, {}, exact=True).bottleneck is None
