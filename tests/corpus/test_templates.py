"""Templates of made-up videos: which are found, in words, and what stays when more come."""

import json
import random
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from framefleet.corpus.grouping import kept_ids, templates, templates_of
from framefleet.corpus.result import Cluster, Templates, templates_schema
from framefleet.errors import InputError
from framefleet.schema.document import Document
from framefleet.schema.text import TextResult
from tests.conftest import ROOT
from tests.corpus.make import KINDS, corpus, made
from tests.library.make import put


def kinds_of(found: Templates) -> list[set[str]]:
    return [{path.split("/")[-1][:-15] for path in cluster.members} for cluster in found.clusters]


def everything(found: Templates) -> list[str]:
    return sorted([path for cluster in found.clusters for path in cluster.members] + found.alone)


def test_each_kind_is_a_template_with_its_medoid_among_its_members() -> None:
    documents = corpus()
    found = templates_of(documents)
    assert sorted(map(sorted, kinds_of(found))) == sorted([kind] for kind in KINDS)
    assert all(cluster.medoid in cluster.members for cluster in found.clusters)
    assert everything(found) == sorted(documents)
    assert [one.document for one in found.videos] == sorted(documents)
    assert {one.cluster for one in found.videos} == {cluster.id for cluster in found.clusters}
    assert all(-1 <= one.x <= 1 and -1 <= one.y <= 1 for one in found.videos)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Templates) == found


def test_templates_are_described_in_words() -> None:
    told = {next(iter(kind)): cluster for kind, cluster in zip(*both(), strict=True)}
    assert told["list"].template.startswith("0–3 s hook: text overlay + number + voice")
    assert "a call to action at the end" in told["list"].template
    assert "text at the bottom" in told["talk"].template
    assert "nobody speaks" in told["montage"].template
    assert "still 9" in told["slides"].template
    assert {one.figure for one in told["montage"].differences} & {"cuts_per_min", "shot_s", "cuts_per_min_end"}
    for one in told["montage"].differences:
        assert "(elsewhere " in one.text
        assert one.here != one.elsewhere


def both() -> tuple[list[set[str]], list[Cluster]]:
    found = templates_of(corpus())
    return kinds_of(found), found.clusters


def test_odd_ones_stay_alone_and_are_in_no_template() -> None:
    found = templates_of(corpus() | corpus(2, ("odd",)))
    assert len(found.alone) >= 1
    assert all("odd" in path for path in found.alone)


@settings(max_examples=10)
@given(st.randoms(use_true_random=False))
def test_the_order_of_documents_does_not_matter(rng: random.Random) -> None:
    documents = list(corpus(4).items())
    expected = templates_of(dict(documents))
    rng.shuffle(documents)
    assert templates_of(dict(documents)) == expected


def test_another_video_changes_no_ones_figures() -> None:
    before = {one.document: one.figures for one in templates_of(corpus(4)).videos}
    after = {one.document: one.figures for one in templates_of(corpus(4) | corpus(3, ("odd",))).videos}
    assert {path: after[path] for path in before} == before


@pytest.mark.full
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_with_stages_missing_here_and_there_kinds_stay_together(seed: int) -> None:
    rng = random.Random(seed)
    documents = {path: without(document, rng) for path, document in corpus(8).items()}
    found = templates_of(documents)
    assert everything(found) == sorted(documents)
    assert sum(len(kinds) > 1 for kinds in kinds_of(found)) <= 1


def without(document: Document, rng: random.Random) -> Document:
    lost = {part: None for part in ("text", "transcription", "sounds", "detections") if rng.random() < 0.3}
    return replace(document, **lost, **({"results": UNSET} if rng.random() < 0.3 else {}))


def test_ids_stay_with_their_videos_when_more_come() -> None:
    first = templates_of(corpus(4))
    more = templates_of(corpus(9), previous=first)
    ids = {next(iter(kinds)): cluster.id for kinds, cluster in zip(kinds_of(first), first.clusters, strict=True)}
    for kinds, cluster in zip(kinds_of(more), more.clusters, strict=True):
        assert cluster.id == ids[next(iter(kinds))]


def test_an_id_goes_to_the_greatest_overlap_and_a_new_one_to_the_rest() -> None:
    def cluster(id: str, *members: str) -> Cluster:
        return Cluster(id=id, family="f", members=list(members), medoid=members[0], template="", differences=[])

    before = Templates(clusters=[cluster("t3", *"abcd"), cluster("t7", *"xyz")], alone=[], figures=[], videos=[])
    assert kept_ids(["cd", "ab12", "xyz", "new"], before) == ["t3", "t8", "t7", "t9"]
    assert kept_ids(["c", "abd", "new"], before) == ["t8", "t3", "t9"]
    assert kept_ids(["a", "b"], None) == ["t1", "t2"]


def test_without_regrouping_a_video_joins_and_nothing_else_moves() -> None:
    first = templates_of(corpus(6))
    documents = corpus(6) | {"out/talk77_results.json": made("talk", 2)} | corpus(1, ("odd",))
    then = templates_of(documents, previous=first, regroup=False)
    assert everything(then) == sorted(documents)
    was = {path: cluster.id for cluster in first.clusters for path in cluster.members}
    now = {path: cluster.id for cluster in then.clusters for path in cluster.members}
    assert now.items() >= was.items()
    assert now["out/talk77_results.json"] == was["out/talk02_results.json"]


def test_near_templates_are_one_family_with_what_tells_them_apart() -> None:
    def quiet(document: Document) -> Document:
        return replace(document, text=TextResult([], 9, 0, 0))

    documents = corpus(6)
    documents |= {f"out/mute{n:02d}_results.json": quiet(made("talk", 20 + n)) for n in range(6)}
    found = templates_of(documents)
    of = {next(iter(kinds)): cluster for kinds, cluster in zip(kinds_of(found), found.clusters, strict=True)}
    assert set(of) == {*KINDS, "mute"}
    if of["mute"].family == of["talk"].family:
        assert "text_share" in {one.figure for one in of["mute"].from_family}
    else:
        assert "text_share" in {one.figure for one in of["mute"].differences}


def test_results_are_files_and_folders_each_once(tmp_path: Path) -> None:
    paths = [put(tmp_path / "a" / "b", made(kind, n)) for kind in ("list", "talk") for n in range(4)]
    (tmp_path / "a" / "corpus.json").write_text("{}")
    (tmp_path / "a" / "templates.json").write_text("{}")
    found = templates([tmp_path / "a", paths[0]])
    assert len(everything(found)) == 8
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no results in it"):
        templates([tmp_path / "empty"])


def test_few_videos_are_all_alone() -> None:
    found = templates_of(corpus(1, ("list",)))
    assert (found.clusters, len(found.alone)) == ([], 1)
    assert templates_of({}).alone == []


def test_what_is_written_is_as_the_published_schema_says() -> None:
    published = ROOT / "docs" / "templates.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == templates_schema(), "run python scripts/write_schema.py"
    written = json.loads(msgspec.json.encode(templates_of(corpus() | corpus(2, ("odd",)))))
    jsonschema.validate(written, templates_schema())
