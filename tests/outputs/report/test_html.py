"""One file that needs nothing else, whatever the data holds."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.outputs.report import html
from framefleet.outputs.report.html import embedded, page, scripts

PAGE = Path(html.__file__).parent / "page"


@given(st.text())
def test_embedded_json_ends_no_element_and_says_the_same(text: str) -> None:
    made = embedded(json.dumps({"text": text}, ensure_ascii=False))
    assert not re.search("[<\u2028\u2029]", made)
    assert json.loads(made) == {"text": text}


@pytest.mark.parametrize("text", ["</script><script>alert(1)</script>", "<!--", "{{script}}{{columns}}", "\\1 \\g<0>"])
def test_data_stays_data(text: str) -> None:
    made = page({"lengths": {}, "name": text}, "QUJD")
    (head,) = re.findall(r'<script id="head" type="application/json">(.*?)</script>', made, flags=re.S)
    assert json.loads(head)["name"] == text
    assert made.count("<script") == 3


def test_it_refers_to_nothing_outside() -> None:
    made = page({"lengths": {}}, "")
    assert "{{" not in re.sub(r"<script.*?</script>", "", made, flags=re.S)
    assert not re.findall(r"""(?:src|href)=["'](?!#)""", re.sub(r"<script>.*?</script>", "", made, flags=re.S))
    assert set(re.findall(r"https?://[\w./]+", made)) <= {"http://www.w3.org/2000/svg"}


def test_every_script_of_the_page_is_in_it() -> None:
    assert {path.name for path in PAGE.glob("*.js")} == set(scripts())


@pytest.mark.parametrize(
    "way", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("]
)
def test_no_script_reads_text_as_markup_or_code(way: str) -> None:
    assert [path.name for path in PAGE.glob("*.js") if way in path.read_text(encoding="utf-8")] == []


def test_no_text_in_a_script_goes_over_lines_whose_indents_the_page_leaves_out() -> None:
    lines = [line for path in PAGE.glob("*.js") for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line for line in lines if line.count("`") % 2] == []
