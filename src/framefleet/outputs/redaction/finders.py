"""The choice of finders: those of the registered stages, by the labels that they can find."""

from collections.abc import Sequence

from framefleet.errors import UsageError
from framefleet.outputs.redaction.options import FACE, RedactOptions
from framefleet.stages.finding import Finder, FinderRequest
from framefleet.stages.registry import SPECS


def open_finders(look: RedactOptions, labels: Sequence[str], width: int, height: int) -> list[Finder]:
    """Load the finders of faces, if they are to be hidden, and of `labels`, in upright `width` × `height` frames.

    Where two stages find one label, both look: what either finds is hidden. Raises `UsageError` for a label that no
    stage here can find, and `SetupError` where a model is missing.
    """
    offers = [(spec.finder, list(spec.finder.labels())) for spec in SPECS.values() if spec.finder is not None]
    known = [label for _, of_one in offers for label in of_one]
    wanted = [*labels, *([FACE] if look.faces else [])]
    unknown = [label for label in wanted if label not in known]
    if unknown:
        others = dict.fromkeys(label for label in known if label != FACE)
        raise UsageError(
            f"--blur {'faces' if unknown[0] == FACE else unknown[0]}: no local model detects it",
            hint=f"choose from {', '.join([*(['faces'] if FACE in known else []), *others])}",
            code="unknown_label",
        )
    found = [(finder, [label for label in wanted if label in of_one]) for finder, of_one in offers]
    return [
        finder.load(FinderRequest(labels=of_it, width=width, height=height, long_side=look.long_side))
        for finder, of_it in found
        if of_it
    ]
