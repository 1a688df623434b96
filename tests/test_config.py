"""Options: which source wins, what they may be, and what never comes from a file."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.cli.options.run import (
    FLAGS,
    OWN_FLAGS,
    SWITCHES,
)
from framefleet.config.endpoints import RUNPOD_BASE_URL, Secret
from framefleet.config.loading import (
    load_fleet,
    load_options,
    make_options,
    own_settings,
    settings_there_are,
)
from framefleet.config.options import Options
from framefleet.config.settings import CONFIG_FILE, refuse_unknown
from framefleet.errors import UsageError
from framefleet.schema.document import Crop
from framefleet.stages import registry
from tests.conftest import ROOT

# Values as a person writes them, and as they are then.
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "fps": st.sampled_from([0.5, 1.0, 2.0, 29.97, 1000.0]),
    "max_workers": st.integers(1, 1000),
    "batch_size": st.integers(1, 1024),
    "backend": st.sampled_from(["auto", "local", "runpod"]),
    "speech": st.booleans(),
    "jpeg_quality": st.integers(1, 100),
    "conf": st.sampled_from([0.0, 0.25, 1.0]),
    "imgsz": st.integers(32, 4096),
    "audio_track": st.sampled_from([1, 2, "eng", "de"]),
    "audio_channel": st.sampled_from(["left", "right", "mix", "loudest"]),
    "video_track": st.integers(1, 4),
    "language": st.sampled_from(["en", "de", "zh"]),
    "yolo_model": st.sampled_from(["yolo11m", "a b.onnx"]),
}
settings = st.fixed_dictionaries({}, optional=VALUES)


def as_toml(values: dict[str, Any]) -> str:
    def written(value: Any) -> str:
        return str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, str) else str(value)

    return "\n".join(f"{name} = {written(value)}" for name, value in values.items())


@given(flags=settings, environment=settings, listed=settings)
def test_flags_go_before_environment_before_file_before_defaults(
    tmp_path_factory: pytest.TempPathFactory,
    flags: dict[str, Any],
    environment: dict[str, Any],
    listed: dict[str, Any],
) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / CONFIG_FILE).write_text(as_toml(listed), encoding="utf-8")
    environ = {f"FRAMEFLEET_{name.upper()}": str(value) for name, value in environment.items()}
    not_given = dict.fromkeys(Options.__struct_fields__)
    options = load_options(not_given | {n: str(v) for n, v in flags.items()}, environ=environ, folder=folder)
    expected = listed | environment | flags
    for name in Options.__struct_fields__:
        assert getattr(options, name) == expected.get(name, getattr(Options(), name))


@pytest.mark.parametrize(
    ("given", "field", "meant"),
    [
        ({"crop": "1,2,30,40"}, "crop", Crop(1, 2, 30, 40)),
        ({"crop": [1, 2, 30, 40]}, "crop", Crop(1, 2, 30, 40)),
        ({"crop": Crop(1, 2, 30, 40)}, "crop", Crop(1, 2, 30, 40)),
        ({"classes": "person, bus,7"}, "classes", (0, 5, 7)),
        ({"words": "ComfyUI, Frame  Fleet,,ComfyUI"}, "words", ("ComfyUI", "Frame Fleet")),
        ({"words": ["ComfyUI", "FrameFleet"]}, "words", ("ComfyUI", "FrameFleet")),
        ({"words": " ,"}, "words", None),
        ({"classes": ["person", 5]}, "classes", (0, 5)),
        ({"classes": (0, 5)}, "classes", (0, 5)),
        ({"output_dir": "two words"}, "output_dir", Path("two words")),
        ({"output_dir": Path("there")}, "output_dir", Path("there")),
        ({"max_side": None}, "max_side", None),
        ({"fps": "29.97"}, "fps", 29.97),
    ],
)
def test_options_are_text_or_values(given: dict[str, Any], field: str, meant: Any) -> None:
    assert getattr(make_options(given), field) == meant


@pytest.mark.parametrize("value", ["", "1,2,3", "1,2,3,0", "-1,0,5,5", "a,b,c,d", "1,2,3,4,5", "1.5,0,5,5"])
def test_a_crop_that_is_none(value: str) -> None:
    with pytest.raises(UsageError, match=r"--crop .*such as 100,50,640,360"):
        make_options({"crop": value})


def test_every_option_has_a_flag_and_every_flag_an_option() -> None:
    assert set(Options.__struct_fields__) - {"own"} == set(FLAGS) | {field for field, *_ in SWITCHES.values()}


def test_the_help_names_the_stages_that_there_are() -> None:
    _, help, _ = FLAGS["stages"]
    listed = "objects, speech, speakers, sounds, text, scenes, tracks, faces, looks"
    assert help.endswith(f"{listed} (objects,speech,speakers,sounds,scenes,tracks)")


def test_a_stage_has_settings_of_its_own_which_go_before_those_for_all(tmp_path: Path) -> None:
    assert set(OWN_FLAGS) == set(own_settings())
    text, objects = registry.spec_of("text"), registry.spec_of("objects")
    (tmp_path / CONFIG_FILE).write_text(
        'fps = 1\ncrop = "0,0,9,9"\n[stages]\nnames = ["text", "objects"]\n'
        '[stages.text]\nfps = 2\ncrop = [1, 2, 30, 40]\nsampling = "keyframes"',
        encoding="utf-8",
    )
    options = load_options({}, environ={}, folder=tmp_path)
    assert options.stages == ("text", "objects")
    own = text.options_for(options)
    assert (own.fps, own.crop, own.sampling) == (2, Crop(1, 2, 30, 40), "keyframes")
    assert (objects.options_for(options).fps, objects.options_for(options).crop) == (1, Crop(0, 0, 9, 9))
    environ = {"FRAMEFLEET_TEXT_FPS": "3", "FRAMEFLEET_OBJECTS_MAX_SIDE": "640"}
    options = load_options({"fps": "5"}, environ=environ, folder=tmp_path)
    assert text.options_for(options).fps == 3
    assert objects.options_for(options).fps == 5
    assert objects.options_for(options).max_side == 640
    options = load_options({"text_fps": "4"}, environ=environ, folder=tmp_path)
    assert text.options_for(options).fps == 4


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        ("[stages.text]\nfsp = 2", r"stages\.text\.fsp: no such option; did you mean fps\?"),
        ("[stages.texts]\nfps = 2", r"stages\.texts: no such stage; did you mean text\?"),
        ("[stages.text]\nfps = 0", r"stages\.text\.fps 0: not valid; give a number above 0"),
        ("[stages]\ntext = 2", r"stages\.text: not a table"),
        ('[stages.text]\ncrop = "1,2"', r"stages\.text\.crop 1,2: not valid; give x,y,width,height"),
    ],
)
def test_what_makes_no_sense_of_one_stage_is_refused_by_its_place(tmp_path: Path, listed: str, told: str) -> None:
    (tmp_path / CONFIG_FILE).write_text(listed, encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        load_options({}, environ={}, folder=tmp_path)


def test_an_unknown_option_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(UsageError, match=r"--colour: no such option; choose from fps, .*batch_size"):
        make_options({"colour": 3})


def test_a_name_that_is_nearly_one_gets_it_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^--batchsize: no such option; did you mean batch_size\?$"):
        make_options({"batchsize": 3})
    for load in (partial(load_options, {}), load_fleet):
        with pytest.raises(UsageError, match=r"^FRAMEFLEET_FPZ: no such setting; did you mean FRAMEFLEET_FPS\?$"):
            load(environ={"FRAMEFLEET_FPZ": "2"}, folder=tmp_path)
        with pytest.raises(UsageError, match=r"did you mean FRAMEFLEET_YOLO_ENDPOINT\?$"):
            load(environ={"FRAMEFLEET_YOLA_ENDPOINT": "d"}, folder=tmp_path)
    (tmp_path / CONFIG_FILE).write_text('[endpoints]\nyola = "d"', encoding="utf-8")
    with pytest.raises(UsageError, match=r"framefleet\.toml: yola: no such endpoint; did you mean yolo\?$"):
        load_fleet(environ={}, folder=tmp_path)
    (tmp_path / CONFIG_FILE).write_text('yolo_endpoint = "d"', encoding="utf-8")
    with pytest.raises(UsageError, match=r"no such option; write an endpoint's id under \[endpoints\]: yolo = …$"):
        load_options({}, environ={}, folder=tmp_path)


@pytest.mark.parametrize("name", ["report", "verbose", "sequential"])
def test_what_is_said_of_one_command_alone_is_no_setting(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=rf"^FRAMEFLEET_{name.upper()}: not a setting; give --{name} on"):
        load_options({}, environ={f"FRAMEFLEET_{name.upper()}": "1"}, folder=tmp_path)
    (tmp_path / CONFIG_FILE).write_text(f"{name} = true", encoding="utf-8")
    with pytest.raises(UsageError, match=rf"framefleet\.toml: {name}: not a setting; give --{name}"):
        load_options({}, environ={}, folder=tmp_path)


def test_every_variable_that_the_code_names_is_known_and_so_is_every_option(tmp_path: Path) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    named = set(re.findall(r"FRAMEFLEET_[A-Z_]*[A-Z](?![A-Z_]|[{*])", text))
    assert {"FRAMEFLEET_DEBUG", "FRAMEFLEET_MODELS", "FRAMEFLEET_WHISPER_API"} <= named
    flags = {f"FRAMEFLEET_{name.upper()}" for name in {**FLAGS, **SWITCHES}}
    refuse_unknown(dict.fromkeys(named | flags, "1"), settings_there_are())


@pytest.mark.parametrize("name", ["speech", "vad"])
@pytest.mark.parametrize(("said", "on"), [("true", False), ("1", False), ("false", True)])
def test_what_is_on_is_turned_off_as_on_the_command_line(tmp_path: Path, name: str, said: str, on: bool) -> None:
    environ = {f"FRAMEFLEET_NO_{name.upper()}": said}
    assert getattr(load_options({}, environ=environ, folder=tmp_path), name) is on
    (tmp_path / CONFIG_FILE).write_text(f"no_{name} = {said}", encoding="utf-8")
    assert getattr(load_options({}, environ={}, folder=tmp_path), name) is on
    with pytest.raises(UsageError, match=rf"^FRAMEFLEET_NO_{name.upper()}: {name} is set too; set one of them"):
        load_options({}, environ=environ | {f"FRAMEFLEET_{name.upper()}": "true"}, folder=tmp_path)
    with pytest.raises(UsageError, match=rf"^FRAMEFLEET_NO_{name.upper()} perhaps: not valid; give true or false"):
        load_options({}, environ={f"FRAMEFLEET_NO_{name.upper()}": "perhaps"}, folder=tmp_path)


@pytest.mark.parametrize("name", ["speech", "vad"])
def test_the_negative_is_as_near_as_the_place_that_says_it(tmp_path: Path, name: str) -> None:
    (tmp_path / CONFIG_FILE).write_text(f"{name} = true", encoding="utf-8")
    environ = {f"FRAMEFLEET_NO_{name.upper()}": "1"}
    assert getattr(load_options({}, environ=environ, folder=tmp_path), name) is False
    assert getattr(load_options({name: True}, environ=environ, folder=tmp_path), name) is True


def test_an_error_names_the_place_that_has_the_value(tmp_path: Path) -> None:
    (tmp_path / CONFIG_FILE).write_text("fps = 0\nconf = 7", encoding="utf-8")
    with pytest.raises(UsageError, match=r"framefleet\.toml: conf 7: not valid; give a number from 0 up to 1"):
        load_options({"fps": 2}, environ={}, folder=tmp_path)  # the flag stands before the file's fps
    with pytest.raises(UsageError, match=r"^FRAMEFLEET_CONF 8: "):
        load_options({"fps": 2}, environ={"FRAMEFLEET_CONF": "8"}, folder=tmp_path)
    with pytest.raises(UsageError, match=r"^--conf 9: "):
        load_options({"fps": 2, "conf": 9}, environ={"FRAMEFLEET_CONF": "8"}, folder=tmp_path)


def test_the_fleet_comes_from_the_environment_before_the_file(tmp_path: Path) -> None:
    (tmp_path / CONFIG_FILE).write_text('[endpoints]\nyolo = "file-1"\nwhisper = "file-2"', encoding="utf-8")
    fleet = load_fleet(environ={"FRAMEFLEET_YOLO_ENDPOINT": "env-1", "RUNPOD_API_KEY": " rpa_x\n"}, folder=tmp_path)
    assert fleet.endpoints == {"yolo": "env-1", "whisper": "file-2"}
    assert fleet.api_key is not None
    assert fleet.api_key.reveal() == "rpa_x"
    assert fleet.base_url == RUNPOD_BASE_URL


@pytest.mark.parametrize("name", ["base_url", "runpod_endpoint_base_url", "api_key", "runpod_api_key"])
def test_where_the_key_goes_is_not_for_a_file_to_say(tmp_path: Path, name: str) -> None:
    (tmp_path / CONFIG_FILE).write_text(f'{name} = "https://example.org"', encoding="utf-8")
    assert load_fleet(environ={}, folder=tmp_path).base_url == RUNPOD_BASE_URL
    assert load_fleet(environ={}, folder=tmp_path).api_key is None
    with pytest.raises(UsageError, match=f"{name}: no such option"):
        load_options({}, environ={}, folder=tmp_path)


@pytest.mark.parametrize(
    "url", ["https://example.org/v2/", "http://127.0.0.1:8000", "http://localhost", "http://[::1]:1"]
)
def test_base_urls_that_keep_the_key(url: str) -> None:
    assert load_fleet(environ={"RUNPOD_ENDPOINT_BASE_URL": url}).base_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    ["http://example.org", "http://127.0.0.1@evil.org", "http://localhost.evil.org", "ftp://x", "//x", "https://", "x"],
)
def test_base_urls_that_would_show_the_key(url: str) -> None:
    with pytest.raises(UsageError, match=r"RUNPOD_ENDPOINT_BASE_URL .* sent unencrypted; use https"):
        load_fleet(environ={"RUNPOD_ENDPOINT_BASE_URL": url})


def test_a_secret_does_not_print() -> None:
    secret = Secret("rpa_x")
    assert "rpa_x" not in f"{secret} {secret!r} {load_fleet(environ={'RUNPOD_API_KEY': 'rpa_x'})!r}"
    assert secret.reveal() == "rpa_x"


def test_all_stages_stand_alone_so_that_no_name_goes_unread() -> None:
    assert make_options({"stages": "all"}).stages == ("all",)
    with pytest.raises(UsageError, match="--stages all,foo: all means every stage; give it alone"):
        make_options({"stages": "all,foo"})


def test_a_run_that_would_have_nothing_to_do_is_refused() -> None:
    with pytest.raises(UsageError, match="FRAMEFLEET_STAGES speech: --no-speech leaves nothing of it to do"):
        make_options({"stages": "speech", "speech": False}, {"stages": "FRAMEFLEET_STAGES"})
    assert make_options({"stages": "all", "speech": False}).speech is False
    assert make_options({"stages": "objects,speech", "speech": False}).speech is False
