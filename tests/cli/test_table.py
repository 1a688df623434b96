import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.cli.output.summary import spark, squeezed
from framefleet.cli.output.table import (
    GAP,
    Column,
    Page,
    fitted,
)
from tests.cli.terminal import Terminal, page, widths

COLUMNS = st.lists(
    st.builds(
        lambda cells, rank, least, most: Column("t", cells, rank=rank, least=least, most=most),
        st.lists(st.text("ab ", max_size=20), min_size=2, max_size=2),
        st.integers(0, 4),
        st.none() | st.integers(1, 5),
        st.integers(5, 30),
    ),
    min_size=1,
    max_size=6,
)


@given(COLUMNS, st.integers(1, 120))
def test_columns_fit_or_only_the_indispensable_are_left(columns: list[Column], width: int) -> None:
    chosen = fitted(columns, width)
    total = sum(w for _, w in chosen) + GAP * (len(chosen) - 1)
    kept = [column for column, _ in chosen]
    assert total <= width or not any(column.rank for column in kept)
    assert [column for column in columns if column.rank == 0] == [column for column in kept if column.rank == 0]
    left_out = [column.rank for column in columns if column not in kept]
    assert not left_out or min(left_out) >= max((column.rank for column in kept), default=0)
    for column, w in chosen:
        assert w == column.natural or (column.least is not None and min(column.least, column.natural) <= w)


@given(st.lists(st.none() | st.floats(0, 1), max_size=70), st.integers(1, 40))
def test_a_sparkline_is_no_wider_than_it_may_be_and_hides_no_peak(levels: list[float | None], width: int) -> None:
    blocks, plain = spark(levels, width, blocks=True), spark(levels, width, blocks=False)
    assert len(blocks) == len(plain) == min(width, len(levels))
    assert plain.isascii()
    most = max((level for level in levels if level is not None), default=None)
    assert most == max((level for level in squeezed(levels, width) if level is not None), default=None)
    assert not most or set(blocks) & set("▁▂▃▄▅▆▇█")
    assert not most or set(plain) & set(":+#")


def test_levels_as_characters() -> None:
    assert spark([0.0, 0.001, 0.5, 1.0, None], 5, blocks=True) == " ▁▄█?"
    assert spark([0.0, 0.001, 0.5, 1.0, None], 5, blocks=False) == ".:+#?"


def two(page: Page) -> None:
    page.title("[red]title\x1b[0m")
    page.table([Column("a", ["x\x1b[31m", "猫猫"], style="cyan"), Column("b", ["1", "22"], right=True)])
    page.line("name", "a long line of words " * 6)
    page.line("path", "/folder/" * 20, whole=True)


def test_on_a_terminal_there_are_colours_and_rules() -> None:
    terminal = Terminal()
    two(page(terminal, 60))
    lines = terminal.lines()
    assert lines[0] == "[red]title[0m"
    assert lines[1:5] == ["  a       b", "  ─────────", "  x[31m   1", "  猫猫   22"]
    assert "\x1b[" in terminal.text()
    assert max(widths(lines[:-1])) <= 60
    assert lines[-1].endswith("/folder/" * 20)


def test_elsewhere_it_is_plain_text_in_single_lines() -> None:
    out = io.StringIO()
    two(Page(out))
    assert out.getvalue().splitlines() == [
        "[red]title[0m",
        "  a       b",
        "  x[31m   1",
        "  猫猫   22",
        "  name       " + "a long line of words " * 6,
        "  path       " + "/folder/" * 20,
    ]


def test_elsewhere_a_table_may_be_wider_than_a_terminal() -> None:
    out = io.StringIO()
    Page(out).table([Column("a", ["x" * 90], least=4), Column("b", ["y" * 20])])
    assert out.getvalue().splitlines()[1] == f"  {'x' * 90}  {'y' * 20}"


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    two(page(terminal))
    assert "36m" not in terminal.text()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437"])
def test_a_terminal_without_the_characters_gets_none_of_them(encoding: str) -> None:
    terminal = Terminal(encoding)
    shown = page(terminal)
    shown.title("title")
    shown.table([Column("a", ["x" * 300, "y"], least=4), Column("b", ["1", "2"])])
    shown.line("name", shown.dots)
    assert "─" not in terminal.text()
    assert terminal.text().isascii()
