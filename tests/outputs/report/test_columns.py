"""What `page/columns.js` undoes, undone here."""

import base64
import zlib

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from framefleet.outputs.report.columns import pack, whole


def unpack(lengths: dict[str, int], packed: str) -> tuple[dict[str, list[int]], object]:
    """The columns and what stands behind them, number by number, as the page does it."""
    planes = zlib.decompress(base64.b64decode(packed), -15)
    columns, at = {}, 0
    for name, length in lengths.items():
        values, last = [], 0
        for i in range(length):
            zigzag = sum(planes[at + plane * length + i] << 8 * plane for plane in range(4))
            last += (zigzag >> 1) ^ -(zigzag & 1)
            values.append(last)
        columns[name] = values
        at += 4 * length
    return columns, msgspec.json.decode(planes[at:])


numbers = st.lists(st.integers(-(2**30) + 1, 2**30 - 1))


@given(st.dictionaries(st.text(max_size=4), numbers), st.lists(st.text()))
def test_what_is_packed_comes_back(columns: dict[str, list[int]], words: list[str]) -> None:
    lengths, packed = pack({name: np.array(values, np.int32) for name, values in columns.items()}, words)
    assert unpack(lengths, packed) == (columns, words)


def test_numbers_beyond_all_sense_are_kept_within_what_fits() -> None:
    assert whole([1e300, -1e300, 1.5], 1).tolist() == [2**30 - 1, -(2**30) + 1, 2]


def test_alike_neighbours_take_little_space() -> None:
    _, packed = pack({"even": np.arange(100_000, dtype=np.int32) * 40}, None)
    assert len(packed) < 1000
