"""Compression of columns of numbers and long lists of text for the report, unpacked by `page/columns.js`."""

import base64
import zlib
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int32]


def pack(columns: Mapping[str, Numbers], rest: object) -> tuple[dict[str, int], str]:
    """Return the length of each column, in order, and all columns, followed by `rest` as JSON, compressed as base64.

    Each column is stored as zigzag-encoded differences (so that small negative numbers are small), byte plane by byte
    plane, lowest first: with similar neighbours most bytes are then runs of zeros, which deflate compresses well.
    """
    lengths = {name: len(values) for name, values in columns.items()}
    planes = b"".join(_planes(values) for values in columns.values())
    planes += msgspec.json.encode(rest)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return lengths, base64.b64encode(deflate.compress(planes) + deflate.flush()).decode()


def whole(values: "NDArray[np.float64] | list[float]", scale: float = 1.0) -> Numbers:
    """Round `values` × `scale` to whole numbers, clipped to 30 bits so that differences fit into 32."""
    most = 2**30 - 1
    with np.errstate(over="ignore"):  # an overflow to infinity is clipped too
        return np.clip(np.rint(np.asarray(values, np.float64) * scale), -most, most).astype(np.int32)


def on_grid(corners: NDArray[np.float64], unit: float) -> Numbers:
    """Return pixels as whole multiples of `unit`."""
    with np.errstate(over="ignore"):
        return whole(corners / unit)


def rounded(shares: "Sequence[float] | NDArray[np.float64]") -> Numbers:
    """Return 0 to 1 as hundredths, rounded as the terminal prints them: by the exact value, and ties to even."""
    return whole([round(float(share), 2) for share in shares], 100)


def _planes(values: Numbers) -> bytes:
    steps = np.diff(values, prepend=np.int32(0))
    zigzag = (steps << 1) ^ (steps >> 31)
    return zigzag.astype("<u4").view(np.uint8).reshape(-1, 4).T.tobytes()
