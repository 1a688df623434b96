"""Text in the picture as columns. Pure."""

from typing import Any

import numpy as np

from framefleet.results.report.columns import Numbers, on_grid, whole
from framefleet.schema.text import TextResult


def written_columns(
    text: TextResult | None, unit: float
) -> tuple[dict[str, Any] | None, list[str], dict[str, Numbers]]:
    """Each span's text, time and box; a box is in `unit` pixels."""
    if text is None:
        return None, [], {}
    corners = on_grid(np.array([span.box for span in text.spans], np.float64).reshape(-1, 4), unit)
    named = {
        "spanStart": whole([span.start_s for span in text.spans], 1000),
        "spanLong": whole([span.end_s - span.start_s for span in text.spans], 1000),
        "spanLeft": corners[:, 0],
        "spanTop": corners[:, 1],
        "spanWide": corners[:, 2] - corners[:, 0],
        "spanHigh": corners[:, 3] - corners[:, 1],
    }
    return {"unknown": text.unknown}, [span.text for span in text.spans], named
