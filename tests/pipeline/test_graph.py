import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.errors import UsageError
from framefleet.pipeline.scheduler import plan_graph

NEEDS = {"objects": (), "speech": (), "scenes": (), "tracks": ("objects",), "summary": ("tracks", "speech")}


def test_what_a_stage_needs_is_added_and_done_before_it() -> None:
    graph = plan_graph(["summary"], NEEDS)
    assert set(graph.names) == {"objects", "speech", "tracks", "summary"}
    assert graph.added == {"objects", "speech", "tracks"}
    assert graph.names.index("objects") < graph.names.index("tracks") < graph.names.index("summary")


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="--stages faces: no such stage; choose from objects"):
        plan_graph(["objects", "faces"], NEEDS)


def test_stages_that_wait_for_each_other_are_refused() -> None:
    with pytest.raises(UsageError, match="need each other"):
        plan_graph(["a"], {"a": ("b",), "b": ("a",)})


names = st.sampled_from(sorted(NEEDS))


@given(st.lists(names, min_size=1))
def test_every_stage_once_and_after_all_it_needs(asked: list[str]) -> None:
    graph = plan_graph(asked, NEEDS)
    assert len(set(graph.names)) == len(graph.names)
    assert set(asked) | graph.added == set(graph.names)
    for place, name in enumerate(graph.names):
        assert set(NEEDS[name]) <= set(graph.names[:place])
