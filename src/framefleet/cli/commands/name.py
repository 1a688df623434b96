"""`framefleet name`: names for the speakers of a result."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from framefleet.cli.options.filters import Result
from framefleet.cli.output.format import clean
from framefleet.config.loading import load_options, parse_speaker_names
from framefleet.errors import InputError, UsageError
from framefleet.journal.file import FILE_NAME
from framefleet.journal.look import is_there
from framefleet.schema.codec import encode, read_document
from framefleet.schema.document import Document
from framefleet.stages.speakers.names import as_kept, kept_voices, named
from framefleet.storage.atomic import write_whole

STAGE = "speakers"


def name(
    result: Result,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="S1=NAME", help="speakers and their names; S1= takes one away", show_default=False),
    ] = None,
    saved: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="a file of names, such as the report saves: S1=NAME in each line"),
    ] = None,
    journal: Annotated[
        Path | None, typer.Option("--journal", metavar="FOLDER", help="the folder of journals that the run had")
    ] = None,
) -> int:
    """Name the speakers of a result, also for later runs: the journal keeps the names with the voices."""
    if saved is None and not names:
        raise UsageError("give speakers and their names", hint="such as S1=Ada S2=Grace, or --file FILE")
    given = dict(parse_speaker_names(",".join([*_lines(saved), *(names or [])]), "S1=NAME"))
    document = read_document(result)
    if document.speakers is None:
        raise InputError(f"{result}: no speakers in it", hint="run the video again with --stages speech,speakers")
    known = [speaker.id for speaker in document.speakers]
    if unknown := [id for id in given if id not in known]:
        hint = f"the speakers are {', '.join(known)}" if known else "the result has no speakers"
        raise UsageError(f"{unknown[0]}: no such speaker", hint=hint)
    shared = load_options({"journal": journal}).journal
    path = result.parent / FILE_NAME if shared is None else shared / document.video.sha256
    kept = _kept_with_voices(path, document, given)
    speakers = [
        msgspec.structs.replace(speaker, name=given.get(speaker.id, speaker.name) or None)
        for speaker in document.speakers
    ]
    write_whole(result, encode(msgspec.structs.replace(document, speakers=speakers)))
    print(clean(f"{result}: {', '.join(f'{s.id} is {s.name}' for s in speakers if s.name) or 'no speaker has a name'}"))
    if not kept:
        where = "a journal next to it" if shared is None else str(path)
        print(clean(f"the voices are not in {where}, so that the next run of the video has no names"))
    return 0


def _lines(path: Path | None) -> list[str]:
    """Return the lines of a file of names; none without one. Raises `InputError`."""
    if path is None:
        return []
    try:
        return [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None


def _kept_with_voices(path: Path, document: Document, given: dict[str, str]) -> bool:
    """Keep the names in the journal (a file, or the video's shared folder). Return whether it has the voices of all
    that are `given`."""
    if not is_there(path):
        return False
    from framefleet.journal.store import Journal
    from framefleet.journal.travelling import TravellingJournal, not_in_use

    sha256 = document.video.sha256
    with closing(
        TravellingJournal(path, sha256, not_in_use(path)) if path.name == sha256 else Journal(path)
    ) as journal:
        voices = kept_voices(journal.recall(sha256, STAGE))
        journal.keep_private()
        journal.remember(sha256, STAGE, as_kept(named(voices, given)))
    return set(given) <= {voice.id for voice in voices}
