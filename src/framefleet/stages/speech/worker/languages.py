"""The language of each window of 30 s, and the votes of several windows. Pure, except for `LanguageRecorder`."""

import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from framefleet.timebase import Seconds

SURE = 0.5
"""The probability from which a detected language is relied on: of 26 real clips, 24 were named right, and the two
others had 0.32 and 0.38."""


@dataclass(frozen=True, slots=True)
class LanguageWindow:
    """A window that was transcribed in `language`. `probability` is that of the language detected in it.

    `guessed`: the detected language was not sure, and no window before it was.
    """

    language: str
    probability: float
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Vote:
    """The vote of a window: the language, how probable it is, and how long was spoken."""

    language: str
    probability: float
    spoken_s: Seconds


def elected(votes: Iterable[Vote]) -> str | None:
    """Return the language with most seconds, weighted by their probability; None without votes.

    Votes that are sure are the only ones that count, if there are any.
    """
    votes = list(votes)
    weights: dict[str, float] = defaultdict(float)
    for vote in [vote for vote in votes if vote.probability >= SURE] or votes:
        weights[vote.language] += vote.spoken_s * vote.probability
    return max(sorted(weights), key=weights.__getitem__, default=None)


def certainty(language: str | None, votes: Iterable[Vote]) -> float:
    """Return the mean probability of the votes for this language, weighted by their seconds; 0.0 without any."""
    own = [vote for vote in votes if vote.language == language]
    spoken_s = sum(vote.spoken_s for vote in own)
    if not spoken_s:
        return max((vote.probability for vote in own), default=0.0)
    return min(1.0, sum(vote.probability * vote.spoken_s for vote in own) / spoken_s)


class LanguageRecorder:
    """CTranslate2's model, which notes the language of each window while faster-whisper transcribes.

    faster-whisper detects it from the encoder's output that it needs anyway, so this costs nothing. If the language of
    a window is not sure, the answer is that of the last window that was. State is kept per thread.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._thread = threading.local()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def begin(self) -> None:
        """Forget the windows of the transcription before."""
        self._thread.window, self._thread.sure = None, None

    @property
    def window(self) -> LanguageWindow | None:
        """The last window of this thread's transcription; None if no language was detected in it."""
        return getattr(self._thread, "window", None)

    def detect_language(self, encoded: Any) -> Any:
        """Return what CTranslate2 does, (token, probability) by falling probability for each window."""
        found = self._model.detect_language(encoded)
        if len(found) != 1:  # several windows at once, which are not transcribed in turn
            return found
        token, probability = found[0][0]
        if probability >= SURE:
            self._thread.sure = token
        sure = getattr(self._thread, "sure", None)
        token = sure or token
        self._thread.window = LanguageWindow(token.strip("<|>"), float(probability), guessed=sure is None)
        return [[(token, probability), *((other, p) for other, p in found[0] if other != token)]]
