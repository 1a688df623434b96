"""How coded pictures are turned and mirrored to be upright, as the file's display matrix says.

The matrix is that of the track times that of the movie (ISO/IEC 14496-12, 8.3.2), what Matroska says of its projection,
H.264's and HEVC's display orientation, or a picture's Exif orientation: FFmpeg makes one of each.
"""

import struct
from dataclasses import dataclass
from math import atan2, degrees, hypot
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:  # who reads a document needs neither
    import numpy as np
    from av.video.frame import VideoFrame
    from numpy.typing import NDArray

    Plane = NDArray[np.uint8]

_EXACT = 1 / 1000  # what writers round: a matrix has 16 bits behind the point


@dataclass(frozen=True, slots=True)
class Turn:
    """Left and right are exchanged where `mirrored`; then the picture is turned by `rotation` degrees.

    `rotation` is counter-clockwise: 0, 90, 180 or 270.
    """

    rotation: int = 0
    mirrored: bool = False

    def upright(self, coded: "Plane") -> "Plane":
        """A view of a coded picture, or of one plane of it, as it is to be seen."""
        import numpy as np

        return np.rot90(coded[:, ::-1] if self.mirrored else coded, self.rotation // 90)

    def coded(self, upright: "Plane") -> "Plane":
        """A view of an upright picture as it would be coded."""
        import numpy as np

        turned = np.rot90(upright, -self.rotation // 90)
        return turned[:, ::-1] if self.mirrored else turned

    def size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height of the upright picture, of those of the coded one, and the other way round."""
        return size if self.rotation % 180 == 0 else (size[1], size[0])


def turn_of(frame: "VideoFrame") -> tuple[Turn, str | None]:
    """How a frame is turned, and what else its matrix would do that is left undone, in words."""
    data = cast("bytes | None", frame.side_data.get("DISPLAYMATRIX"))
    return turn_by(struct.unpack("=9i", bytes(data)[:36]) if data is not None else _UPRIGHT)


_UPRIGHT = (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)


def turn_by(matrix: tuple[int, ...]) -> tuple[Turn, str | None]:
    """The same of the nine numbers of a matrix, a b u c d v x y w, which takes (p, q) to (ap + cq, bp + dq). Pure."""
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
