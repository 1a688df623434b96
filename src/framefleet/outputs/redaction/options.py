"""The options of a redacted video."""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import msgspec

from framefleet.config.options import Options
from framefleet.errors import UsageError
from framefleet.outputs.render.options import RenderOptions

FACE = "face"

Style = Literal["blur", "pixelate", "box"]


class RedactOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to hide and how.

    `faces`, the `labels` and the `tracks` of the document are covered, but for those of its tracks in `keep`. Faces
    are detected in frames scaled to `long_side` pixels, in each `every`-th frame, and in those between where something
    moves fast, appears or disappears. `mute` are words and phrases to silence. The proof sheet shows covered
    frames, and with `originals` uncovered ones too. `film` has the options of encoding and cutting, and
    `models` the options of a run that name models.
    """

    faces: bool = False
    labels: tuple[str, ...] = ()
    tracks: tuple[int, ...] = ()
    keep: tuple[int, ...] = ()
    style: Style = "blur"
    long_side: Annotated[int, msgspec.Meta(ge=32, le=16_384)] = 640
    every: Annotated[int, msgspec.Meta(ge=1, le=25)] = 3
    mute: tuple[str, ...] = ()
    originals: bool = False
    film: RenderOptions = RenderOptions()
    models: Options = Options()

    @property
    def hides(self) -> bool:
        """Whether anything in the frames is to be hidden."""
        return bool(self.faces or self.labels or self.tracks)


def hidden(texts: Iterable[str]) -> tuple[bool, tuple[str, ...], tuple[int, ...]]:
    """Return whether `--blur` names faces, its labels and its tracks. Raises `UsageError`."""
    names = listed(texts)
    if not names:
        raise UsageError("--blur: give what to hide", hint="such as faces, person or track:7")
    tracks = tracks_in("--blur", [name for name in names if name.startswith("track:")])
    labels = [name for name in names if not name.startswith("track:")]
    faces = [name for name in labels if name in {"face", "faces"}]
    return bool(faces), tuple(label for label in labels if label not in faces), tracks


def tracks_in(option: str, names: Iterable[str]) -> tuple[int, ...]:
    """Return the ids in names such as `track:7`. Raises `UsageError` for any other name."""
    ids = []
    for name in names:
        found = re.fullmatch(r"track:([1-9][0-9]{0,8})", name)
        if found is None:
            raise UsageError(f"{option} {name}: no track", hint="write a track of the result as track:7")
        ids.append(int(found[1]))
    return tuple(dict.fromkeys(ids))


def listed(texts: Iterable[str]) -> Sequence[str]:
    """Return the names in texts such as `faces,person`, each once."""
    parts = (part.strip() for text in texts for part in text.split(","))
    return list(dict.fromkeys(part for part in parts if part))
