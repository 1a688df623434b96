"""One picture looked at twice: which boxes are the same. Pure."""

import numpy as np

from framefleet.stages.tracks.join import assign
from framefleet.stages.tracks.likelihood import look_cost, place_cost
from framefleet.stages.tracks.motion import Sightings, begin


def again(seen: Sightings, twice: Sightings, area: float) -> list[tuple[int, int]]:
    """Pairs of places in both: the boxes that fit as those of one thing that has not moved.

    `area` is the picture's in square pixels. Two looks rarely differ, for the model is the same; where workers round
    otherwise, a box moves by less than a pixel, and one at the threshold is found once.
    """
    still = np.zeros_like(seen.centre)
    cost = place_cost(begin(seen, still, still), twice) + look_cost(seen, twice)
    rows, columns = assign(cost, float(np.log(area)))
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True)]
