import pytest

from framefleet.media.languages import same_language


@pytest.mark.parametrize(
    ("one", "other"),
    [("de", "ger"), ("deu", "ger"), ("EN", "eng"), ("pt-BR", "por"), ("zh_Hans", "chi"), ("mk", "mac"), ("qaa", "qaa")],
)
def test_one_language_by_several_codes(one, other):
    assert same_language(one, other)
    assert same_language(other, one)


@pytest.mark.parametrize(("one", "other"), [("de", "en"), ("swe", "sw"), ("und", "en"), ("nor", "nno"), ("qaa", "qab")])
def test_other_languages(one, other):
    assert not same_language(one, other)
