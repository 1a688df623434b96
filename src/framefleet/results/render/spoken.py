"""Which subtitles are drawn, and which become a track of the file, because there are no letters for them. Pure."""

from collections.abc import Iterable
from typing import Literal

from framefleet.results.cues import Cue, Cues
from framefleet.results.render.lettering import is_whole, legible


class Spoken:
    """`drawn` and `track` are the subtitles that are in the picture, and those that players show.

    With `way` "draw", those whose letters cannot be drawn are a track. Signs that are no letters are left out of those
    that are drawn.
    """

    def __init__(self, cues: Iterable[Cue], way: Literal["draw", "track", "none"]) -> None:
        all_of_them = Cues(() if way == "none" else cues)
        self._count, self._way = len(all_of_them), way
        self.drawn = Cues(cue for cue in all_of_them if way == "draw" and can_be_drawn(cue))
        self.track = Cues(cue for cue in all_of_them if way == "track" or not can_be_drawn(cue))

    @property
    def told(self) -> str:
        """How they are kept, in words."""
        if not self._count:
            return "no subtitles"
        if self.drawn and self.track:
            return f"subtitles drawn, {len(self.track)} of {self._count} as a track"
        return "subtitles drawn" if self.drawn else "subtitles as a track"

    @property
    def notes(self) -> list[str]:
        """What is not drawn as it is said, a line each."""
        notes = []
        if self.track and self._way == "draw":
            many = f"{len(self.track)} of {self._count} subtitles"
            notes.append(f"{many} are a track, which players show: they have letters that cannot be drawn")
        if partly := sum(not is_whole(cue.text) for cue in self.drawn):
            notes.append(f"{partly} of {self._count} subtitles are drawn without signs that there is no picture of")
        return notes


def can_be_drawn(cue: Cue) -> bool:
    """Whether its letters can; signs, such as 🙂, are no letters."""
    return all(legible(line) is not None for line in cue.lines)
