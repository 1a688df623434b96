"""Who speaks."""

import msgspec

from framefleet.timebase import Seconds


class Speaker(msgspec.Struct, frozen=True, kw_only=True):
    """One person by their voice. Ids are S1, S2, … in the order in which they are first heard.

    `name` is the one given to them, else null. `talk_s` is how long they speak, in the `turns` (start and end in
    seconds) of which `first_s` is the first one's start; turns of two people may overlap. `certain` is False where
    little is heard of the voice, or another one is much like it.
    """

    id: str
    name: str | None = None
    first_s: Seconds
    talk_s: Seconds
    certain: bool
    turns: list[tuple[Seconds, Seconds]]

    @property
    def called(self) -> str:
        """The name, or the id of a speaker without one."""
        return self.name or self.id
