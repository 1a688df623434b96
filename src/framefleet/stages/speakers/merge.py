"""From answers, each about a clip, to the people of the whole sound. Pure."""

from collections.abc import Iterator, Sequence

from framefleet.protocol.speakers import SpeakersReply
from framefleet.stages.base import Answer
from framefleet.stages.speakers.join import ClipVoice, Person, people
from framefleet.stages.speakers.names import centre_of


def merge_speakers(answers: Sequence[Answer[SpeakersReply]], number: int | None = None) -> list[Person]:
    """Return all clips' voices as people, on the video's clock; the order of `answers` does not matter.

    `number` is how many people there are, None: as many as can be told apart.
    """
    in_order = sorted(answers, key=lambda answer: (answer.facts[0].span.start_s, answer.facts[0].span.end_s))
    return people([voice for clip, answer in enumerate(in_order) for voice in _voices(clip, answer)], number)


def _voices(clip: int, answer: Answer[SpeakersReply]) -> Iterator[ClipVoice]:
    from_s = answer.facts[0].span.start_s
    for voice in answer.reply.voices:
        turns = [(round(from_s + turn.start_s, 3), round(from_s + turn.end_s, 3)) for turn in voice.turns]
        yield ClipVoice(clip, centre_of(voice.centre), turns)
