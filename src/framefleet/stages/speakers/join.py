"""From voices of clips, each answered on its own, to people, numbered by first appearance. Pure.

The order in which clips were answered makes no difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from framefleet.stages.speakers.worker.clusters import JOIN, centres, linkage
from framefleet.stages.speakers.worker.turns import Turn, joined
from framefleet.timebase import Seconds

ENOUGH_S: Seconds = 4.0
"""A voice that speaks this long in a clip has a centre by which it is known in other clips."""

BRIEF_S: Seconds = 10.0
"""A voice that speaks less than this in the whole recording, and is like another person's, is that person's: one voice
of 121, in two hours of five people, was taken for two within its clip, the second of which spoke 6 s."""

UNLIKE = 0.16
"""Cosine distance of two people's centres, at the least of 49 pairs; nearer ones are marked as uncertain."""

Centre = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ClipVoice:
    """A voice of the `clip`-th clip: its centre (256,), of length 1, and its turns on the video's clock, in order."""

    clip: int
    centre: Centre
    turns: Sequence[Turn]

    @property
    def talk_s(self) -> Seconds:
        return spoken_s(self.turns)


@dataclass(frozen=True, slots=True)
class Person:
    """One person's voice in the whole recording. `centre` never leaves this process but for the journal."""

    centre: Centre
    turns: list[Turn]
    certain: bool


def people(voices: Sequence[ClipVoice], number: int | None = None) -> list[Person]:
    """Join voices of different clips into people, those first heard first; two voices of one clip stay two, unless one
    is brief in the whole recording.

    A voice that says little in its clip joins the person that it is like; if there is none, it is left out, and what it
    says has no speaker. `number` is how many people there are, None: as many as can be told apart.
    """
    voices = sorted((voice for voice in voices if voice.talk_s > 0), key=lambda voice: (voice.clip, voice.turns[0]))
    if not voices:
        return []
    several = len({voice.clip for voice in voices}) > 1  # else its worker heard all there is, and knew `number`
    groups = _across(voices, number) if several else [[voice] for voice in voices]
    means = [_mean(group) for group in groups]
    spoken = [joined([turn for voice in group for turn in voice.turns]) for group in groups]
    found = [
        Person(mean, turns, spoken_s(turns) >= ENOUGH_S and _nearest(place, means) >= UNLIKE)
        for place, (mean, turns) in enumerate(zip(means, spoken, strict=True))
        if turns
    ]
    return sorted(found, key=lambda person: (person.turns[0], -spoken_s(person.turns)))


def spoken_s(turns: Sequence[Turn]) -> Seconds:
    """Return how long the turns last together, in seconds."""
    return round(sum(end_s - start_s for start_s, end_s in turns), 3)


def likeness(one: Centre, other: Centre) -> float:
    """Return the cosine distance of two centres."""
    return 1.0 - float(np.dot(one.astype(np.float64), other.astype(np.float64)))


def _across(voices: Sequence[ClipVoice], number: int | None) -> list[list[ClipVoice]]:
    known = [voice for voice in voices if voice.talk_s >= ENOUGH_S]
    little = [voice for voice in voices if voice.talk_s < ENOUGH_S]
    if not known:
        known, little = little, []
    never = [(i, j) for (i, a), (j, b) in combinations(enumerate(known), 2) if a.clip == b.clip]
    vectors = np.stack([voice.centre for voice in known])
    labels = linkage(vectors, np.array([v.talk_s for v in known]), never, number=number, threshold=JOIN)
    groups: list[list[ClipVoice]] = [[] for _ in range(int(labels.max()) + 1)]
    for label, voice in zip(labels, known, strict=True):
        groups[label].append(voice)
    means = [_mean(group) for group in groups]
    here = [{voice.clip for voice in group} for group in groups]
    for voice in sorted(little, key=lambda voice: -voice.talk_s):
        near = [
            (likeness(voice.centre, mean), place) for place, mean in enumerate(means) if voice.clip not in here[place]
        ]
        if near and min(near)[0] <= JOIN:
            groups[min(near)[1]].append(voice)
        elif number is not None and len(groups) < number:
            groups.append([voice])
            means.append(voice.centre)
            here.append({voice.clip})
    return groups if number is not None else _without_brief(groups)


def _without_brief(groups: Sequence[list[ClipVoice]]) -> list[list[ClipVoice]]:
    """Return the groups, each that is brief joined to the lasting one that it is most like, if it is like any."""
    means = [_mean(group) for group in groups]
    talk_s = [spoken_s([turn for voice in group for turn in voice.turns]) for group in groups]
    lasting = [place for place, length_s in enumerate(talk_s) if length_s >= BRIEF_S]
    found = [list(group) for group in groups]
    for place, mean in enumerate(means):
        if talk_s[place] >= BRIEF_S or not lasting:
            continue
        distance, nearest = min((likeness(mean, means[other]), other) for other in lasting)
        if distance <= JOIN:
            found[nearest] += found[place]
            found[place] = []
    return [group for group in found if group]


def _mean(group: Sequence[ClipVoice]) -> Centre:
    vectors = np.stack([voice.centre for voice in group])
    weights = np.array([voice.talk_s for voice in group])
    mean: Centre = centres(vectors, weights, np.zeros(len(group), np.int64))[0]
    return mean


def _nearest(place: int, means: Sequence[Centre]) -> float:
    return min((likeness(means[place], mean) for other, mean in enumerate(means) if other != place), default=np.inf)
