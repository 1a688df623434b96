import pytest

from framefleet.media.files.languages import as_in_mp4, as_in_names, same_language


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


@pytest.mark.parametrize(
    ("tag", "in_mp4", "in_names"),
    [
        *(
            ("en", "eng", "en"),
            ("ger", "deu", "de"),
            ("zh-TW", "zho", "zh"),
            ("jw", "jav", "jv"),
            ("yue", "yue", "yue"),
        ),
        *(("haw", "haw", "haw"), ("english", None, None), ("../x", None, None), ("", None, None), (None, None, None)),
    ],
)
def test_a_language_as_files_tell_it(tag, in_mp4, in_names):
    assert (as_in_mp4(tag), as_in_names(tag)) == (in_mp4, in_names)
