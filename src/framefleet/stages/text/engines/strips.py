"""Lines of text as the recognizing network takes them: of one height, their widths in steps, so that some fit together.

A line's strip depends on nothing but the line: how wide a network's input is changes what it reads, if only a little.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from framefleet.stages.jpeg import Pixels

HEIGHT = 48
LEAST_WIDTH = 320  # what PP-OCR's recognizers are trained at, and what RapidOCR pads shorter lines to
STEP = 64  # a GPU sets itself up anew for every width it meets
GREY = 128  # padding, which the network is to see as nothing: 0 after its (x / 255 - 0.5) / 0.5


def strip_of(line: Pixels) -> NDArray[np.uint8]:
    """(48, width, 3): the line at 48 pixels of height, with grey behind it up to a whole step."""
    height, width = line.shape[:2]
    inner = max(1, round(HEIGHT * width / height))
    outer = max(LEAST_WIDTH, -(-inner // STEP) * STEP)
    strip = np.full((HEIGHT, outer, 3), GREY, np.uint8)
    strip[:, :inner] = cv2.resize(line, (inner, HEIGHT))
    return strip


def groups_of(widths: Sequence[int], most: int) -> list[list[int]]:
    """The numbers of strips of these widths, in groups of one width and at most `most`."""
    by_width: dict[int, list[int]] = {}
    for number, width in enumerate(widths):
        by_width.setdefault(width, []).append(number)
    return [same[start : start + most] for same in by_width.values() for start in range(0, len(same), most)]
