"""Turning and mirroring of coded frames to upright ones, by the file's display matrix.

The matrix is the track's times the movie's (ISO/IEC 14496-12, 8.3.2), Matroska's projection, the display orientation of
H.264 and HEVC, or an image's Exif orientation: FFmpeg converts all of these to one.
"""

import struct
from dataclasses import dataclass
from math import atan2, degrees, hypot
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:  # not needed to read a document
    import numpy as np
    from av.video.frame import VideoFrame
    from numpy.typing import NDArray

    Plane = NDArray[np.uint8]

_EXACT = 1 / 1000  # rounding by writers: a matrix has 16 fractional bits


@dataclass(frozen=True, slots=True)
class Turn:
    """A horizontal flip if `mirrored`, followed by a turn by `rotation` degrees.

    `rotation` is counter-clockwise: 0, 90, 180 or 270.
    """

    rotation: int = 0
    mirrored: bool = False

    def upright(self, coded: "Plane") -> "Plane":
        """Return an upright view of a coded frame, or of one plane of it."""
        import numpy as np

        return np.rot90(coded[:, ::-1] if self.mirrored else coded, self.rotation // 90)

    def coded(self, upright: "Plane") -> "Plane":
        """Return a view of an upright frame as it would be coded."""
        import numpy as np

        turned = np.rot90(upright, -self.rotation // 90)
        return turned[:, ::-1] if self.mirrored else turned

    def size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the size (width, height) of the upright frame for that of the coded one, or vice versa."""
        return size if self.rotation % 180 == 0 else (size[1], size[0])


def turn_of(frame: "VideoFrame") -> tuple[Turn, str | None]:
    """Return how a frame is turned, and what else its matrix would do, which is not applied, in words."""
    data = cast("bytes | None", frame.side_data.get("DISPLAYMATRIX"))
    return turn_by(struct.unpack("=9i", bytes(data)[:36]) if data is not None else _UPRIGHT)


_UPRIGHT = (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)


def turn_by(matrix: tuple[int, ...]) -> tuple[Turn, str | None]:
    """Return the same for a matrix of nine numbers, a b u c d v x y w, which maps (p, q) to (ap + cq, bp + dq).

    Pure.
    """
    a, b, c, d = (matrix[place] / (1 << 16) for place in (0, 1, 3, 4))
    if not a * d - b * c:
        return Turn(), "draws it on a line"
    mirrored = a * d - b * c < 0
    angle = -degrees(atan2(-b, -a) if mirrored else atan2(b, a))
    turn = Turn(round(angle / 90) * 90 % 360, mirrored)
    return turn, _rest(turn, (a, b, c, d), angle, flat=not (matrix[2] or matrix[5]))


def _rest(turn: Turn, numbers: tuple[float, ...], angle: float, *, flat: bool) -> str | None:
    a, b, c, d = numbers
    wide, high = hypot(a, b), hypot(c, d)
    said = []
    off = (angle - turn.rotation + 180) % 360 - 180
    if abs(off) > 0.1:
        said.append(f"turns it by {abs(off):.4g}° {'counter-' * (off > 0)}clockwise")
    if abs(a * c + b * d) > _EXACT * wide * high:
        said.append("shears it")
    if abs(wide - 1) > _EXACT or abs(high - 1) > _EXACT:
        said.append(f"scales it by {wide:.4g} × {high:.4g}")
    if not flat:
        said.append("shows it in perspective")
    return " and ".join(said) or None
