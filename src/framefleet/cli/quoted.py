"""Words that were looked for, in brackets among those around, whatever the terminal can show. Pure."""

from msgspec.structs import replace

from framefleet.cli.table import width_of
from framefleet.results.find import Said
from framefleet.results.phrase import words_of


def quoted(said: Said, dots: str) -> str:
    middle = f"[{said.text}]" if said.text else dots
    return " ".join(part for part in (said.before, middle, said.after) if part)


def in_view(said: Said, width: int, dots: str) -> str:
    """So much of it as there is room for: words go at the longer end, and those that were looked for stay."""
    before, after = words_of(said.before), words_of(said.after)
    shown = said
    while width_of(quoted(shown, dots)) > width and (before or after):
        if len("".join(before)) >= len("".join(after)):
            before.pop(0)
            shown = replace(shown, before=f"{dots}{''.join(before)}")
        else:
            after.pop()
            shown = replace(shown, after=f"{''.join(after)}{dots}")
    return quoted(shown, dots)
