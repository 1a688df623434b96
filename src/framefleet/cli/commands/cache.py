"""`framefleet cache`: what the journal of an output folder keeps."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from framefleet.cli.output.format import clean, counted
from framefleet.errors import InputError, UsageError
from framefleet.journal.file import FILE_NAME
from framefleet.journal.look import is_there


def cache(
    action: Annotated[Literal["forget"], typer.Argument(metavar="forget", help="what to do", show_default=False)],
    stage: Annotated[str, typer.Option(metavar="NAME", help="the stage, such as speakers", show_default=False)],
    output_dir: Annotated[
        Path, typer.Option("--output-dir", "-o", metavar="FOLDER", help="the folder with the results and their journal")
    ] = Path("output"),
) -> int:
    """Remove what the journal keeps of a stage: of speakers, all voices and the names given to them.

    It is overwritten on the disk. Results stay as they are; the next run of a video does that stage again.
    """
    assert action == "forget"
    from framefleet.journal.store import Journal
    from framefleet.stages.registry import SPECS, spec_of

    if not spec_of(stage).private:
        private = ", ".join(name for name, spec in SPECS.items() if spec.private)
        raise UsageError(f"--stage {stage}: its answers are not kept apart", hint=f"give one of {private}")
    path = output_dir / FILE_NAME
    if not is_there(path):
        raise InputError(f"{path}: no journal there", hint="give the folder of the results with --output-dir")
    journal = Journal(path)
    try:
        removed = journal.forget_private(stage)
    finally:
        journal.close()
    print(clean(f"{path}: {counted(removed, 'answer')} of {stage} removed"))
    return 0
