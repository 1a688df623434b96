"""Real faces that pass, come, go and nod at 25 frames a second: none is uncovered in any frame."""

from pathlib import Path

import numpy as np
import pytest

from framefleet.media.files.probe import probe
from framefleet.models.store import has_model
from framefleet.outputs.redaction.options import RedactOptions
from framefleet.outputs.redaction.redact import redact
from tests.outputs.redaction.passing import PASSERS, passing, seen_at, share_visible, visible
from tests.outputs.render.squares import document_of, frames_of

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(
        not has_model("centerface"), reason="CenterFace was not fetched: python -m framefleet.models.fetch centerface"
    ),
]


def test_no_face_is_uncovered_in_any_frame_and_not_all_of_the_frame_is_covered(tmp_path: Path) -> None:
    video = passing(tmp_path / "passing.mp4")
    target = tmp_path / "hidden.mp4"
    redact(document_of(video, tracked=False), probe(video), target, RedactOptions(faces=True, style="box"))
    faces, uncovered, share = 0, [], []
    for time, (luma, _, _) in frames_of(target):
        share.append((luma < 20).mean())
        for one in seen_at(PASSERS, float(time)):
            box = one.face(float(time))
            if share_visible(box) >= 0.5:
                x1, y1, x2, y2 = visible(box)
                faces += 1
                if (luma[y1:y2, x1:x2] < 40).mean() < 0.97:
                    uncovered.append((float(time), PASSERS.index(one)))
    assert faces > 200
    assert uncovered == []
    assert np.mean(share) < 0.15
