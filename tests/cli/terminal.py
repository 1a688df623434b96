"""A terminal to print on, as wide and as able as asked."""

import io
import re

from rich.cells import cell_len

from framefleet.cli.output.table import Page


class Terminal(io.TextIOWrapper):
    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding, errors="strict", write_through=True)

    def isatty(self) -> bool:
        return True

    def text(self) -> str:
        """All that was printed, colours included."""
        return self.buffer.getvalue().decode(self.encoding)  # type: ignore[attr-defined]

    def lines(self) -> list[str]:
        """What a person sees."""
        return [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in self.text().splitlines()]


def widths(lines: list[str]) -> list[int]:
    return [cell_len(line) for line in lines]


def page(terminal: Terminal, width: int = 80) -> Page:
    return Page(terminal, width=width)
