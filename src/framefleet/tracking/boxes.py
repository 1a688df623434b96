"""Arithmetic of boxes: left, top, right and bottom, in pixels. Pure."""

Box = tuple[float, float, float, float]


def overlap(one: Box, other: Box) -> float:
    """Return the intersection of two boxes over their union, 0 to 1."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    shared = across * down
    return shared / ((one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - shared)


def between(one: Box, other: Box, share: float) -> Box:
    """Return the box at `share` of the way from one to the other."""
    x1, y1, x2, y2 = (here * (1 - share) + there * share for here, there in zip(one, other, strict=True))
    return x1, y1, x2, y2


def hull(one: Box, other: Box) -> Box:
    """Return the smallest box that contains both."""
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])
