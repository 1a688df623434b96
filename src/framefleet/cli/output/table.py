"""Printing tables and lines: with rules and colours on a terminal, in plain characters elsewhere."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from framefleet.cli.output.format import clean

if TYPE_CHECKING:
    from rich.padding import Padding
    from rich.text import Text

INDENT, NAME, GAP = 2, 10, 2
WIDE = 120  # where nobody looks at it as it is, a table may be so wide, and a line as long as it likes


@dataclass(frozen=True, slots=True)
class Column:
    """`cells` as they are, or for a width. One that need not be whole may shrink to `least` characters.

    Where there is no room at all, the columns with the highest `rank` are left out, and those of rank 0 never.
    """

    title: str
    cells: Sequence[str] | Callable[[int], Sequence[str]]
    style: str = ""
    right: bool = False
    rank: int = 0
    least: int | None = None
    most: int = field(default=1000)

    @property
    def natural(self) -> int:
        return self.most if callable(self.cells) else min(self.most, max(map(width_of, [self.title, *self.cells])))


def fitted(columns: Sequence[Column], width: int) -> list[tuple[Column, int]]:
    """The columns that there is room for, and their widths. Pure."""
    kept = list(columns)
    while True:
        widths = [column.natural for column in kept]
        over = sum(widths) + GAP * (len(kept) - 1) - width
        for place, column in sorted(enumerate(kept), key=lambda item: -item[1].rank):
            if over > 0 and column.least is not None:
                less = min(over, max(0, widths[place] - column.least))
                widths[place] -= less
                over -= less
        if over <= 0 or not any(column.rank for column in kept):
            return list(zip(kept, widths, strict=True))
        kept.remove(max(kept, key=lambda column: column.rank))


class Page:
    """Standard output, or `file`. `fancy`: it is a terminal that has characters for rules and blocks.

    Whatever it prints is cleaned first.
    """

    def __init__(self, file: IO[str] | None = None, *, width: int | None = None) -> None:
        from rich.console import Console

        self.console = Console(file=file or sys.stdout, width=width, markup=False, emoji=False, highlight=False)
        self.terminal = self.console.is_terminal
        self.fancy = self.terminal and not self.console.options.ascii_only and not self.console.legacy_windows
        self.dots = "…" if self.fancy else "..."
        if not self.terminal:
            self.console.width = WIDE

    def title(self, text: str) -> None:
        self.console.print(_text(text, "bold"), soft_wrap=True)

    def line(self, name: str, text: str, style: str = "", *, whole: bool = False) -> None:
        """`  name     text`, on a terminal folded under itself unless it is to stay `whole`, as a path is."""
        from rich.table import Table

        head, said = _text(f"{'':{INDENT}}{name:<{NAME}} ", "bold"), _text(text, style)
        if whole or not self.terminal or self.console.width < len(head) + NAME:
            self.console.print(type(head).assemble(head, said), soft_wrap=True)
            return
        grid = Table.grid()
        grid.add_column(width=len(head))
        grid.add_column(overflow="fold")
        grid.add_row(head, said)
        self.console.print(grid)

    def table(self, columns: Sequence[Column]) -> None:
        """As many of the columns as there is room for."""
        told = self._table(fitted(columns, self.console.width - INDENT))
        if self.terminal:
            self.console.print(told)
            return
        with self.console.capture() as plain:
            self.console.print(told)
        self.console.file.writelines(f"{line.rstrip()}\n" for line in plain.get().splitlines())

    def _table(self, chosen: Sequence[tuple[Column, int]]) -> "Padding":
        from rich import box
        from rich.padding import Padding
        from rich.table import Table

        rules = box.SIMPLE_HEAD if self.fancy else None  # which also parts the columns by a space
        gap = GAP - 1 if self.fancy else GAP
        table = Table(box=rules, show_edge=False, pad_edge=False, padding=(0, gap, 0, 0), header_style="dim")
        table.border_style = "dim"
        for column, width in chosen:
            table.add_column(
                _text(column.title),
                style=column.style,
                justify="right" if column.right else "left",
                width=width,
                no_wrap=True,
                overflow="ellipsis" if self.fancy else "crop",
            )
        cells = [column.cells(width) if callable(column.cells) else column.cells for column, width in chosen]
        for row in zip(*cells, strict=True):
            table.add_row(*map(_text, row))
        return Padding(table, (0, 0, 0, INDENT), expand=False)


def _text(text: str, style: str = "") -> "Text":
    from rich.text import Text

    return Text(clean(text), style)


def width_of(text: str) -> int:
    """The columns that a text takes."""
    from rich.cells import cell_len

    return cell_len(clean(text))
