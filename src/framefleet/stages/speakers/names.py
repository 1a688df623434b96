"""Names that were given to voices, kept with the voices' centres so that they survive a rerun. Pure."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from framefleet.schema.speakers import Speaker
from framefleet.stages.speakers.join import Centre, Person, likeness, spoken_s
from framefleet.stages.speakers.worker.clusters import JOIN

Names = Mapping[str, str]
"""Names by the speakers' ids. An empty name takes one away."""


class KeptVoice(msgspec.Struct, frozen=True):
    """A voice as the journal keeps it: biometric data. `id` is empty where the last run did not hear it."""

    id: str
    name: str | None
    centre: bytes


def kept_voices(content: bytes | None) -> list[KeptVoice]:
    """Return the voices that the journal has of a video; none of what cannot be read."""
    try:
        return msgspec.json.decode(content or b"[]", type=list[KeptVoice])
    except msgspec.MsgspecError:
        return []


def as_kept(voices: Sequence[KeptVoice]) -> bytes:
    """Return what the journal is to keep."""
    return msgspec.json.encode(voices)


def centre_of(packed: bytes) -> Centre:
    """Return the centre (256,) that was packed as float16."""
    return np.frombuffer(packed, "<f2").astype(np.float32)


def recognized(
    people: Sequence[Person], kept: Sequence[KeptVoice], given: Names, *, whole: bool
) -> tuple[list[Speaker], list[KeptVoice], list[str]]:
    """Return the speakers, what the journal is to keep of them, and a note on each name that has no voice any more.

    A name goes to the voice that is most like the one it was given to, if that is like enough, and to no other.
    `given` are this run's, by the speakers' ids, and count for more. Where not the `whole` sound was heard, a name
    without a voice is kept for the next run.
    """
    names, lost = _matched(people, [voice for voice in kept if voice.name])
    notes: list[str] = []
    for id, name in given.items():
        place = int(id[1:]) - 1
        if place >= len(people):
            last = f"the last one is S{len(people)}" if people else "nobody speaks"
            notes.append(f"no speaker {id} to be called {name}: {last}")
        else:
            names[place] = name
    if whole:
        notes += [f"the name {voice.name} is dropped: no voice is like the one it was given to" for voice in lost]
    speakers = [
        Speaker(
            id=f"S{place + 1}",
            name=names.get(place) or None,
            first_s=person.turns[0][0],
            talk_s=spoken_s(person.turns),
            certain=person.certain,
            turns=person.turns,
        )
        for place, person in enumerate(people)
    ]
    keep = [
        KeptVoice(speaker.id, speaker.name, person.centre.astype("<f2").tobytes())
        for speaker, person in zip(speakers, people, strict=True)
    ]
    return speakers, keep + ([] if whole else [msgspec.structs.replace(voice, id="") for voice in lost]), notes


def _matched(people: Sequence[Person], named: Sequence[KeptVoice]) -> tuple[dict[int, str], list[KeptVoice]]:
    """Names by the people's places, and the voices that match no one. The nearest pairs are matched first."""
    pairs = sorted(
        (apart, old, place)
        for old, voice in enumerate(named)
        for place, person in enumerate(people)
        if (apart := likeness(centre_of(voice.centre), person.centre)) <= JOIN
    )
    places: dict[int, int] = {}
    for _, old, place in pairs:
        if old not in places and place not in places.values():
            places[old] = place
    lost = [voice for old, voice in enumerate(named) if old not in places]
    return {place: named[old].name or "" for old, place in places.items()}, lost


def named(voices: Sequence[KeptVoice], given: Names) -> list[KeptVoice]:
    """Return the voices with these names for those of the last run."""
    return [msgspec.structs.replace(voice, name=given.get(voice.id, voice.name) or None) for voice in voices]
