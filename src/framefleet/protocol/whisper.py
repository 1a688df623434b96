"""The whisper endpoint: a clip of audio in, segments of text out. Times count from its start."""

from typing import Annotated, Literal

import msgspec

from framefleet.protocol.envelope import SCHEMA_VERSION, AudioFormat, SoundSamples, TimingMs
from framefleet.timebase import Seconds

Task = Literal["transcribe", "translate"]


class WhisperRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request for the speech in a clip.

    `audio` is base64 on the wire; a worker opens it as `format` and nothing else. `words` are names and terms to
    expect, which only workers with the feature "words" use.
    """

    schema_version: Literal["1"] = SCHEMA_VERSION
    model: str | None = None
    audio: bytes | SoundSamples
    format: AudioFormat
    duration_s: Annotated[Seconds, msgspec.Meta(ge=0, le=7200)]
    language: str | None = None
    task: Task = "transcribe"
    word_timestamps: bool = True
    vad_filter: bool = True
    beam_size: Annotated[int, msgspec.Meta(ge=1, le=20)] = 5
    words: Annotated[list[Annotated[str, msgspec.Meta(max_length=100)]], msgspec.Meta(max_length=100)] | None = None


class WhisperWord(msgspec.Struct, frozen=True, gc=False):
    """A word of a segment. `word` keeps Whisper's leading space."""

    start_s: Seconds
    end_s: Seconds
    word: str
    probability: float


class WhisperSegment(msgspec.Struct, frozen=True):
    """A sentence or part of one. `language` is its own, null if it was not detected for it alone.

    `doubtful`: a loop that the worker heard each time it listened, but may have invented.
    """

    start_s: Seconds
    end_s: Seconds
    text: str
    avg_logprob: float
    no_speech_prob: float
    words: list[WhisperWord] = []
    language: str | None = None
    doubtful: bool = False


class WhisperReply(msgspec.Struct, frozen=True, kw_only=True):
    schema_version: Literal["1"] = SCHEMA_VERSION
    model: str
    model_id: str
    device: str
    gpu: str | None = None
    language: str
    language_probability: float
    segments: list[WhisperSegment]
    timing_ms: TimingMs = TimingMs()


# Whisper's languages, by its own codes and names (OpenAI's tokenizer.py; "yue" since large-v3).
_NAMES = """
    af:afrikaans am:amharic ar:arabic as:assamese az:azerbaijani ba:bashkir be:belarusian bg:bulgarian bn:bengali
    bo:tibetan br:breton bs:bosnian ca:catalan cs:czech cy:welsh da:danish de:german el:greek en:english es:spanish
    et:estonian eu:basque fa:persian fi:finnish fo:faroese fr:french gl:galician gu:gujarati ha:hausa haw:hawaiian
    he:hebrew hi:hindi hr:croatian ht:haitian_creole hu:hungarian hy:armenian id:indonesian is:icelandic it:italian
    ja:japanese jw:javanese ka:georgian kk:kazakh km:khmer kn:kannada ko:korean la:latin lb:luxembourgish ln:lingala
    lo:lao lt:lithuanian lv:latvian mg:malagasy mi:maori mk:macedonian ml:malayalam mn:mongolian mr:marathi ms:malay
    mt:maltese my:myanmar ne:nepali nl:dutch nn:nynorsk no:norwegian oc:occitan pa:punjabi pl:polish ps:pashto
    pt:portuguese ro:romanian ru:russian sa:sanskrit sd:sindhi si:sinhala sk:slovak sl:slovenian sn:shona so:somali
    sq:albanian sr:serbian su:sundanese sv:swedish sw:swahili ta:tamil te:telugu tg:tajik th:thai tk:turkmen tl:tagalog
    tr:turkish tt:tatar uk:ukrainian ur:urdu uz:uzbek vi:vietnamese yi:yiddish yo:yoruba yue:cantonese zh:chinese
"""

_CODE_BY_NAME = {name.replace("_", " "): code for code, _, name in (pair.partition(":") for pair in _NAMES.split())}

LANGUAGES = frozenset(_CODE_BY_NAME.values())
"""The languages that a request may name."""


def code_of(language: str) -> str:
    """Return the code of a language that a service reports by name ("english"); other strings stay unchanged."""
    name = language.strip().lower()
    return _CODE_BY_NAME.get(name, name)
