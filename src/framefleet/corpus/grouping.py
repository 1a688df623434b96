"""The templates of many videos: how they are edited, whatever they are about."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framefleet.corpus.cluster import Grouping, group, join, medoid
from framefleet.corpus.distance import Distances, compare
from framefleet.corpus.explain import differences, template
from framefleet.corpus.figures import FIGURES, GROUPS
from framefleet.corpus.reading import read_all
from framefleet.corpus.result import Cluster, FigureInfo, Templates, VideoFigures
from framefleet.corpus.vector import Vector, scaled, vector
from framefleet.schema.document import Document


def templates(results: Sequence[Path | str], *, previous: Templates | None = None) -> Templates:
    """Return the templates that the videos of these results follow, and the videos that follow none.

    `results` are documents, or folders of them. Templates that share most videos with one of `previous` keep its id.
    Raises `FrameFleetError`.
    """
    return templates_of(read_all(map(Path, results)), previous=previous)


def templates_of(
    documents: Mapping[str, Document], *, previous: Templates | None = None, regroup: bool = True
) -> Templates:
    """Return the templates of documents by path, in whatever order these are.

    Without `regroup`, videos stay where `previous` has them, and new ones join the template that they follow, if any.
    """
    paths = sorted(documents)
    vectors = [vector(documents[path]) for path in paths]
    rows = scaled(vectors)
    compared = compare(rows)
    apart = compared.apart
    if regroup or previous is None or not previous.clusters:
        found = group(compared)
        ids = kept_ids([_members(found, paths, one) for one in range(len(found.families))], previous)
    else:
        found, ids = _joined(apart, paths, previous)
    return _described(found, ids, [documents[path] for path in paths], paths, vectors, rows, apart)


def _joined(apart: Distances, paths: Sequence[str], previous: Templates) -> tuple[Grouping, list[str]]:
    """Return the clusters of `previous` that still have members, with the new videos, and their ids."""
    place = {path: number for number, path in enumerate(paths)}
    there = [[place[path] for path in cluster.members if path in place] for cluster in previous.clusters]
    kept = [cluster for cluster, members in zip(previous.clusters, there, strict=True) if members]
    labels = np.full(len(paths), -1)
    for label, members in enumerate(filter(None, there)):
        labels[members] = label
    before = {one.document for one in previous.videos}
    new = [place[path] for path in paths if path not in before]
    labels = join(apart, labels, np.array(new, np.intp))
    families = list(dict.fromkeys(cluster.family for cluster in kept))
    return Grouping(labels, [families.index(cluster.family) for cluster in kept]), [cluster.id for cluster in kept]


def _described(
    found: Grouping,
    ids: Sequence[str],
    documents: Sequence[Document],
    paths: Sequence[str],
    vectors: Sequence[Vector],
    rows: NDArray[np.float64],
    apart: Distances,
) -> Templates:
    families = _family_names(found, ids)
    clusters = [
        _cluster(one, found, ids[one], families[one], paths, documents, vectors, rows, apart)
        for one in range(len(found.families))
    ]
    places = on_map(apart)
    return Templates(
        clusters=clusters,
        alone=_members(found, paths, -1),
        figures=[
            FigureInfo(name=name, group=one.group, weight=GROUPS[one.group], scale=one.scale, above=one.above)
            for name, one in FIGURES.items()
        ],
        videos=[
            VideoFigures(
                document=path,
                video=document.video.path,
                cluster=ids[label] if label >= 0 else None,
                x=round(float(x), 4),
                y=round(float(y), 4),
                figures={name: value if value is None else round(value, 4) for name, value in one.values.items()},
                unknown=one.unknown,
            )
            for path, document, label, (x, y), one in zip(paths, documents, found.labels, places, vectors, strict=True)
        ],
    )


def kept_ids(members: Sequence[Sequence[str]], previous: Templates | None) -> list[str]:
    """Return an id for each cluster: that of the earlier one with which it shares most members, else a new one."""
    earlier = {} if previous is None else {cluster.id: set(cluster.members) for cluster in previous.clusters}
    shared = sorted(
        (-len(set(those) & before), len(those), number(id), place)
        for place, those in enumerate(members)
        for id, before in earlier.items()
        if before & set(those)
    )
    ids: dict[int, str] = {}
    for *_, old, place in shared:
        if place not in ids and f"t{old}" not in ids.values():
            ids[place] = f"t{old}"
    last = max(map(number, earlier), default=0)
    for place in range(len(members)):
        if place not in ids:
            last += 1
            ids[place] = f"t{last}"
    return [ids[place] for place in range(len(members))]


def number(id: str) -> int:
    """Return the number in an id; 0 for one that another program has written."""
    return int(id[1:]) if id[1:].isdecimal() else 0


def on_map(apart: Distances) -> NDArray[np.float64]:
    """Return a place (n, 2) for each video, -1 to 1, so that distances are kept as well as two axes can.

    This is classical scaling. The axes' directions are fixed by the video farthest out, so that maps stay comparable.
    """
    count = len(apart)
    if count < 2 or not apart.any():
        return np.zeros((count, 2))
    squares = apart**2
    centred = -0.5 * (squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean())
    values, axes = np.linalg.eigh(centred)
    places: NDArray[np.float64] = axes[:, ::-1][:, :2] * np.sqrt(np.maximum(values[::-1][:2], 0.0))
    if places.shape[1] < 2:
        places = np.pad(places, ((0, 0), (0, 2 - places.shape[1])))
    far = np.abs(places).argmax(axis=0)
    places *= np.where(places[far, [0, 1]] < 0, -1, 1)
    return places / max(float(np.abs(places).max()), 1e-9)


def _cluster(
    one: int,
    found: Grouping,
    id: str,
    family: str,
    paths: Sequence[str],
    documents: Sequence[Document],
    vectors: Sequence[Vector],
    rows: NDArray[np.float64],
    apart: Distances,
) -> Cluster:
    inside = found.labels == one
    siblings = [other for other, of in enumerate(found.families) if of == found.families[one] and other != one]
    members = [int(member) for member in np.flatnonzero(inside)]
    middle = medoid(apart, np.array(members))
    return Cluster(
        id=id,
        family=family,
        members=[paths[member] for member in members],
        medoid=paths[middle],
        template=template([vectors[member] for member in members], documents[middle]),
        differences=differences(rows, vectors, inside, ~inside),
        from_family=differences(rows, vectors, inside, np.isin(found.labels, siblings)) if siblings else [],
    )


def _members(found: Grouping, paths: Sequence[str], label: int) -> list[str]:
    return [path for path, of in zip(paths, found.labels, strict=True) if of == label]


def _family_names(found: Grouping, ids: Sequence[str]) -> list[str]:
    """Return the family of each cluster, named after its lowest id, which stays."""
    lowest: dict[int, int] = {}
    for family, id in zip(found.families, ids, strict=True):
        lowest[family] = min(lowest.get(family, number(id)), number(id))
    return [f"f{lowest[family]}" for family in found.families]
