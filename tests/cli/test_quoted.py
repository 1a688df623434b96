"""What was looked for stays in view, however little room there is."""

from hypothesis import given
from hypothesis import strategies as st

from framefleet.cli.output.answers import in_view, quoted
from framefleet.cli.output.table import width_of
from framefleet.results.query.search import SpokenMatch

WORDS = st.lists(st.sampled_from(["a", "cat", "中文", "considerably"]), max_size=12).map(" ".join)


def said(before: str, text: str, after: str) -> SpokenMatch:
    return SpokenMatch(start_s=0.0, end_s=1.0, before=before, text=text, after=after)


@given(WORDS, WORDS, st.sampled_from(["…", "..."]), st.integers(16, 120))
def test_what_was_looked_for_stays_and_the_rest_is_of_what_was_said(
    before: str, after: str, dots: str, width: int
) -> None:
    one = said(before, "her dinner", after)
    line = in_view(one, width, dots)
    left, _, right = line.partition("[her dinner]")
    assert before.endswith(left.strip().removeprefix(dots).strip())
    assert after.startswith(right.strip().removesuffix(dots).strip())
    assert width_of(line) <= max(width, len(f"{dots} [her dinner] {dots}"))
    if width_of(quoted(one, dots)) <= width:
        assert line == quoted(one, dots)


def test_words_go_at_the_longer_end() -> None:
    one = said("This is a picture of a", "cat", "and she")
    assert in_view(one, 30, "...") == "... picture of a [cat] and she"
    assert in_view(one, 14, "...") == "... [cat] ..."
