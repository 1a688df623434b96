"""The named figures by which videos are compared, and how far apart two of them are noticeably different.

Scales are fixed, and not the corpus's own, so that a video's figures never change when another one is added.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log

from framefleet.schema.looks import PALETTE

GROUPS: Mapping[str, float] = {
    "shape": 0.5,
    "rhythm": 1.0,
    "text": 1.0,
    "speech": 1.0,
    "sound": 1.0,
    "people": 0.7,
    "look": 0.5,
    "palette": 0.3,
    "motion": 0.7,
}
"""The groups of figures, and the weight of each. Text, speech and rhythm tell templates apart, measured by leaving each
out; looks explain more than they part, and the topic decides who and what is seen."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a video. `scale` is a difference that a viewer notices; with `above`, of log(value + above).

    `words` present a value to people.
    """

    group: str
    scale: float
    words: str
    above: float | None = None

    def scaled(self, value: float) -> float:
        """Return the value in noticeable differences."""
        return (value if self.above is None else log(max(value, 0.0) + self.above)) / self.scale

    def phrase(self, value: float) -> str:
        return self.words.format(value)

    def number(self, value: float) -> str:
        """Return the value as in `phrase`, without the words."""
        return self.words[self.words.index("{") : self.words.index("}") + 1].format(value)


_RATE, _LENGTH = 1.0, 0.3  # what is added before the logarithm: zero is common in rates, and rare in lengths

FIGURES: Mapping[str, Figure] = {
    "duration_s": Figure("shape", 0.35, "{:.0f} s long", _LENGTH),
    "aspect": Figure("shape", 0.5, "aspect ratio {:.2f}"),
    "cuts_per_min": Figure("rhythm", 0.5, "{:.0f} cuts a minute", _RATE),
    "cuts_per_min_start": Figure("rhythm", 0.6, "{:.0f} cuts a minute in the first third", _RATE),
    "cuts_per_min_end": Figure("rhythm", 0.6, "{:.0f} cuts a minute in the last third", _RATE),
    "shot_s": Figure("rhythm", 0.5, "shots of {:.1f} s", _LENGTH),
    "shot_variation": Figure("rhythm", 0.35, "shots vary by {:.0%}"),
    "first_shot_s": Figure("rhythm", 0.5, "first cut after {:.1f} s", _LENGTH),
    "text_share": Figure("text", 0.3, "text on screen {:.0%} of the time"),
    "texts_per_min": Figure("text", 0.6, "{:.0f} texts a minute", _RATE),
    "text_s": Figure("text", 0.6, "a text stays {:.1f} s", _LENGTH),
    "text_words": Figure("text", 0.6, "{:.1f} words a text", _RATE),
    "text_words_3s": Figure("text", 3.0, "{:.0f} words written in the first 3 s"),
    "text_x": Figure("text", 0.15, "text centred at {:.0%} of the width"),
    "text_y": Figure("text", 0.2, "text at {:.0%} of the height"),
    "text_size": Figure("text", 0.04, "lines {:.1%} of the height"),
    "text_capitals": Figure("text", 0.4, "{:.0%} of texts in capitals"),
    "text_call": Figure("text", 0.6, "call to action at the end: {:.0%}"),
    "text_numbered": Figure("text", 0.4, "{:.0%} of texts numbered"),
    "text_spoken": Figure("text", 0.3, "{:.0%} of what is said is written as well"),
    "text_wordwise": Figure("text", 0.4, "{:.0%} of texts are one or two words for under 1.5 s"),
    "speech_share": Figure("speech", 0.3, "speech {:.0%} of the time"),
    "speech_words_per_min": Figure("speech", 45.0, "{:.0f} words a minute while speaking"),
    "speech_pause_s": Figure("speech", 0.5, "pauses of {:.1f} s", _LENGTH),
    "speech_first_s": Figure("speech", 1.5, "first word after {:.1f} s"),
    "speech_question": Figure("speech", 0.6, "question in the first 10 s: {:.0%}"),
    "speech_number": Figure("speech", 0.6, "number in the first 10 s: {:.0%}"),
    "music_share": Figure("sound", 0.35, "music {:.0%} of the time"),
    "talk_share": Figure("sound", 0.35, "voices heard {:.0%} of the time"),
    "silence_share": Figure("sound", 0.35, "silence {:.0%} of the time"),
    "music_under_share": Figure("sound", 0.35, "music under voices {:.0%} of the time"),
    "people_share": Figure("people", 0.35, "people in {:.0%} of frames"),
    "people_area": Figure("people", 0.15, "the largest person fills {:.0%}"),
    "people_count": Figure("people", 1.5, "{:.1f} people at once"),
    "things_share": Figure("people", 0.4, "other objects in {:.0%} of frames"),
    "light": Figure("look", 0.2, "brightness {:.0%}"),
    "contrast": Figure("look", 0.08, "contrast {:.2f}"),
    "saturation": Figure("look", 0.2, "saturation {:.0%}"),
    "detail": Figure("look", 0.1, "detail {:.0%}"),
    "light_variation": Figure("look", 0.1, "brightness varies by {:.0%}"),
    "plain_share": Figure("look", 0.35, "plain background {:.0%} of the time"),
    "motion": Figure("motion", 0.02, "motion {:.3f}"),
    "still_share": Figure("motion", 0.35, "still {:.0%} of the time"),
    "pan": Figure("motion", 0.05, "pans of {:.2f} widths a second"),
    "zoom": Figure("motion", 0.015, "zooms of {:.1%} a second"),
    **{f"color_{name.replace(' ', '_')}": Figure("palette", 0.35, f"{name} {{:.0%}}") for name in PALETTE},
}
"""All figures: 45, and 12 shares of colours."""


def _any(*words: str) -> Callable[[str], bool]:
    found = re.compile("|".join(words), re.IGNORECASE)
    return lambda text: found.search(text) is not None


is_call = _any(
    r"\b(follow|subscribe|link in|swipe|sign up|comment below|share this|save this)\b",
    r"\b(buy now|order now|download|learn more)\b",
    r"\b(part|teil|parte|partie) \d",
)
"""Whether a text calls to act. English, as are all words here but digits and question marks."""

is_numbered = _any(r"^\W*(step\s*|number\s*|tip\s*)?[#(]?\d{1,2}([.):]|\s)")
has_number = _any(r"\d", r"\b(two|three|four|five|six|seven|eight|nine|ten)\b")
is_question = _any(
    r"[?？؟]",
    r"^\W*(who|what|why|how|when|where|which|do|does|did|have|has|is|are|can|could|would)\b",
)
is_music = _any(
    r"music|guitar|piano|drum|string|plucked|harp|sitar|banjo|mandolin|zither|ukulele|keyboard|synth|bass|percussion|marimba",
    r"bell|chime|song|singing|orchestra|techno|disco|violin|flute|organ|beat|hip hop",
)
"""Whether a class of sound is music: YAMNet says Guitar, Plucked string instrument or Drum as often as Music."""
is_talk = _any(r"speech|speak|narrat|conversation")
