"""Columns of numbers and long lists of text, packed for a page. `page/columns.js` is the other half."""

import base64
import zlib
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int32]


def pack(columns: Mapping[str, Numbers], rest: object) -> tuple[dict[str, int], str]:
    """The length of each column, in their order, and as base64 all of them, and `rest` as JSON behind them.

    Each becomes differences, zigzag (so that small negative numbers are small), its bytes lowest first: of alike
    neighbours most bytes are then zeros in a row, which deflate makes nothing of.
    """
    lengths = {name: len(values) for name, values in columns.items()}
    planes = b"".join(_planes(values) for values in columns.values())
    planes += msgspec.json.encode(rest)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return lengths, base64.b64encode(deflate.compress(planes) + deflate.flush()).decode()


def whole(values: "NDArray[np.float64] | list[float]", scale: float = 1.0) -> Numbers:
    """`values` × `scale` to the nearest whole number, within what 30 bits hold, so that differences fit as well."""
    most = 2**30 - 1
    with np.errstate(over="ignore"):  # what is too large is at the end of those bits, however large
        return np.clip(np.rint(np.asarray(values, np.float64) * scale), -most, most).astype(np.int32)


def on_grid(corners: NDArray[np.float64], unit: float) -> Numbers:
    """Pixels as whole numbers of `unit`."""
    with np.errstate(over="ignore"):
        return whole(corners / unit)


def rounded(shares: "Sequence[float] | NDArray[np.float64]") -> Numbers:
    """0 to 1 as hundredths, rounded as the terminal prints them: Python goes by the exact value, and ties to even."""
    return whole([round(float(share), 2) for share in shares], 100)


def _planes(values: Numbers) -> bytes:
    steps = np.diff(values, prepend=np.int32(0))
    zigzag = (steps << 1) ^ (steps >> 31)
    return zigzag.astype("<u4").view(np.uint8).reshape(-1, 4).T.tobytes()
