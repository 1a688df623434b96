"""Raising the max workers of endpoints that RunPod lowered, for `run --wake` and `doctor --fix`."""

import sys
from collections.abc import Sequence

from framefleet.cli.options.confirmation import agreed
from framefleet.fleet.backends.runpod.survey import Sleep, Survey
from framefleet.fleet.deploy.endpoint import MAX_WORKERS


def raise_again(survey: Survey, sleeps: Sequence[Sleep], *, yes: bool) -> None:
    """Raise their max workers after confirmation, or at once if `yes`. Raises `UsageError` if not confirmed."""
    if survey.unasked:
        print(f"framefleet: max workers not checked: {survey.unasked}", file=sys.stderr)
    if not sleeps:
        return
    wanted = {sleep.kind: max(MAX_WORKERS, sleep.endpoint.workers.min) for sleep in sleeps}
    for sleep in sleeps:
        print(f"framefleet: {sleep}", file=sys.stderr)
    agreed(f"Raise max workers of {', '.join(f'{kind} to {most}' for kind, most in wanted.items())}?", yes=yes)
    for sleep in sleeps:
        survey.wake(sleep, wanted[sleep.kind])
        print(f"framefleet: {sleep.kind}: max workers raised to {wanted[sleep.kind]}", file=sys.stderr)
