"""Words that several commands say the same way."""

NOUN = {"frames": "Batch", "s": "Chunk"}
"""What a request is called, by the unit of the work in it."""


def counted(number: int, thing: str) -> str:
    """`1 picture`, `2 pictures`; of several words the first is counted: `2 stretches of sound`."""
    first, _, rest = thing.partition(" ")
    plural = first if number == 1 else first + ("es" if first.endswith("ch") else "s")
    return f"{number} {plural}" + (f" {rest}" if rest else "")
