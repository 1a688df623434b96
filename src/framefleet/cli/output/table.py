"""Tables and lines, with rules and colours on a terminal and as plain text elsewhere."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from framefleet.cli.output.format import clean

if TYPE_CHECKING:
    from rich.padding import Padding
    from rich.text import Text

INDENT, NAME, GAP = 2, 10, 2
WIDE = 120  # of a table that is not printed to a terminal; lines may be longer


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `cells`, which may depend on its width. It may shrink to `least` characters if that is set.

    If the table is still too wide, the columns with the highest `rank` are dropped, but never those of rank 0.
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
    """Return the columns that fit, and their widths. Pure."""
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
    """A printer to standard output, or `file`. `fancy` says that it is a terminal with characters for rules and blocks.

    All text is cleaned before it is printed.
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
        """Print `  name     text`, on a terminal wrapped under itself unless it is to stay `whole`, as a path is."""
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
        """Print the columns that fit."""
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

        rules = box.SIMPLE_HEAD if self.fancy else None  # its rules add a space between columns
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
    """Return the width of a text in terminal columns."""
    from rich.cells import cell_len

    return cell_len(clean(text))
