"""`framefleet cache`: what the journal of an output folder, or a shared folder of journals, keeps."""

import json
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import typer

from framefleet.cli.options.run import with_flags
from framefleet.cli.output.format import clean, counted
from framefleet.errors import InputError, UsageError
from framefleet.journal.file import FILE_NAME
from framefleet.journal.look import in_use, is_there

if TYPE_CHECKING:
    from framefleet.config.options import Options
    from framefleet.journal.store import Journal
    from framefleet.pipeline.missing import Missing

_HASH, _HASH_SHOWN = 64, 12  # characters of a sha256, and those that are shown


@with_flags
def cache(
    action: Annotated[
        Literal["why", "prune", "forget"],
        typer.Argument(metavar="why|prune|forget", help="what to do", show_default=False),
    ],
    video: Annotated[str | None, typer.Argument(metavar="VIDEO", help="why: the video", show_default=False)] = None,
    stage: Annotated[
        str | None, typer.Option("--stage", metavar="NAME", help="forget: the stage, such as speakers")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    *,
    flags: dict[str, Any],
) -> int:
    """Tell why a run would ask again, or remove what the journal keeps of a stage, such as all voices.

    `why VIDEO` takes the options of a run, and says for each stage how many answers that run would not find, and which
    option, model or version has changed since. `prune` removes what is kept of videos that have no result in the
    folder. `forget --stage NAME` removes what is kept of a stage: of speakers, all voices and the names given to them,
    overwritten on the disk. Results stay as they are; the next run of a video does that stage again. With `--journal
    FOLDER`, both do so in the journals of all videos there.
    """
    if (action == "why") is (video is None):
        raise UsageError(f"{action}: {'no video is given' if video is None else 'takes no video'}")
    if (action == "forget") is (stage is None):
        raise UsageError(f"{action}: {'no stage is given' if stage is None else 'takes no --stage'}")
    if action == "why":
        _why(Path(str(video)), flags, as_json=as_json)
        return 0
    from framefleet.config.loading import load_options

    options, removed = load_options(flags), 0
    path = options.journal or options.output_dir / FILE_NAME
    if action == "prune" and options.journal is None and in_use(path):  # a video that is analyzed has no result yet
        raise InputError(f"{path}: a run is using it", hint="try again when that run has ended", code="journal_in_use")
    keep = _with_results(options) if stage is None else frozenset[str]()
    for journal in _journals(options, but=keep):
        with closing(journal):
            removed += journal.prune(keep) if stage is None else _forgotten(journal, stage)
    if as_json:
        print(json.dumps({"removed": removed}))
    else:
        of = "videos without a result" if stage is None else stage
        print(clean(f"{path}: {counted(removed, 'answer')} of {of} removed"))
    return 0


def _journals(options: "Options", *, but: Collection[str]) -> "Iterator[Journal]":
    """Open the journals that runs with these options have, one after the other. Raises `InputError` for none.

    In a shared folder, those of the videos with the sha256s `but` are left out.
    """
    from framefleet.journal.shared import folders_in
    from framefleet.journal.store import Journal
    from framefleet.journal.travelling import TravellingJournal, not_in_use

    if options.journal is None:
        path = options.output_dir / FILE_NAME
        if not is_there(path):
            raise InputError(f"{path}: no journal there", hint="give the folder of the results with --output-dir")
        yield Journal(path)
        return
    folders = folders_in(options.journal)
    if not folders:
        raise InputError(f"{options.journal}: no journal there", hint="give the folder that runs have as --journal")
    for path in folders:
        if path.name not in but:
            yield TravellingJournal(path, path.name, not_in_use(path))


def _forgotten(journal: "Journal", stage: str) -> int:
    from framefleet.stages.registry import spec_of

    return journal.forget_private(stage) if spec_of(stage).private else journal.forget_stage(stage)


def _with_results(options: "Options") -> frozenset[str]:
    """Return the sha256s of the videos that have a result in the output folder.

    Raises `InputError` if there is none and the journals are elsewhere: with a wrong folder, all would be removed.
    """
    from framefleet.storage.folder import ENDING, FolderResults, name_of

    store, folder = FolderResults(options.output_dir), options.output_dir
    found = (store.find(name_of(path)) for path in folder.glob(f"*{ENDING}"))
    sources = frozenset(result.sha256 for result in found if result is not None)
    if options.journal is not None and not sources:
        raise InputError(f"{folder}: no results there", hint="give the folder of the results with --output-dir")
    return sources


def _why(video: Path, flags: dict[str, Any], *, as_json: bool) -> None:
    from framefleet.analysis import file_hash
    from framefleet.config.loading import load_fleet, load_options
    from framefleet.pipeline.missing import missing
    from framefleet.session import Session

    with Session(fleet=load_fleet()) as session:
        prepared = session.prepare(video, load_options(flags))
        sha256 = file_hash(prepared).sha256
        rows = missing(prepared.plan, prepared.media, sha256, prepared.journal_of(sha256))
    if as_json:
        print(json.dumps(msgspec.to_builtins(rows), indent=2))
        return
    for row in rows:
        print(clean(f"  {row.stage:<9} {_reasons(row)}"))


def _reasons(row: "Missing") -> str:
    if not row.missing:
        return "nothing is missing"
    because = ", ".join(f"{one.field} was {_short(one.was)}, is {_short(one.now)}" for one in row.because)
    return f"{counted(row.missing, 'answer')} missing{f': {because}' if because else ''}"


def _short(value: Any) -> str:
    """Return a value as text; of a hash its beginning."""
    text = "not set" if value is None else str(value)
    return f"{text[:_HASH_SHOWN]}…" if len(text) >= _HASH else text
