import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.cli.output.format import clean, clock
from framefleet.timebase import seconds_of

HOSTILE = {
    "red\x1b[31m alert\x1b]0;title\x07": "red[31m alert]0;title",
    "one\ntwo\tthree\r\x85four\u2028five": "one two three  four five",
    "abc\u202ecba\u2066\u200f\u200b\ufeff": "abccba",
    "\x9b2J\x00\x7f": "2J",
    "half \udcff": "half �",
    "[red]bold[/red] :smile:": "[red]bold[/red] :smile:",
    "z\u0301\u0301\u0301\u0301\u0301\u0301\u0301": "z\u0301\u0301\u0301\u0301",
    "שלום café 猫": "שלום café 猫",
}


@pytest.mark.parametrize(("text", "harmless"), HOSTILE.items())
def test_nothing_reaches_the_terminal_as_it_came(text: str, harmless: str) -> None:
    assert clean(text) == harmless


@given(st.text(st.characters()))
def test_what_is_clean_is_printable_and_stays_as_it_is(text: str) -> None:
    told = clean(text)
    assert clean(told) == told
    assert all(unicodedata.category(char)[0] != "C" and (char == " " or not char.isspace()) for char in told)
    told.encode()


@pytest.mark.parametrize(
    ("time_s", "shown"),
    [(0, "0:00.0"), (12.34, "0:12.3"), (59.96, "1:00.0"), (3599.94, "59:59.9"), (3599.96, "1:00:00"),
     (36061.2, "10:01:01"), (-0.5, "-0:00.5"), (-0.01, "0:00.0")],
)  # fmt: skip
def test_a_time_as_players_show_it(time_s: float, shown: str) -> None:
    assert clock(time_s) == shown


@given(st.floats(-100, 100_000))
def test_what_is_shown_can_be_asked_for(time_s: float) -> None:
    asked = seconds_of(clock(time_s))
    assert asked is not None
    assert abs(asked - time_s) <= (1 if time_s > 3599 else 0.0501)


@pytest.mark.parametrize(
    ("text", "time_s"),
    [("12.5", 12.5), ("90", 90), ("1:02.5", 62.5), ("1:02:03", 3723), (" 0:05 ", 5), (".5", 0.5), ("-1.5", -1.5),
     ("1:60", None), ("1:", None), ("", None), ("x", None), ("nan", None), ("1e3", None), ("1:2:3:4", None),
     ("1:60:00", None), ("9" * 400, None), ("٣", None)],
)  # fmt: skip
def test_a_time_as_people_type_it(text: str, time_s: float | None) -> None:
    assert seconds_of(text) == time_s
