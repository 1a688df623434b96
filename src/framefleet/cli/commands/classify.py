"""`framefleet classify`: what videos are about, by labels of the user's own."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from framefleet.cli.output.format import clean, clock

if TYPE_CHECKING:
    from framefleet.corpus.result import Niche

Results = Annotated[
    list[Path], typer.Argument(metavar="RESULT", help="results of runs, or folders of them", show_default=False)
]


def classify(
    results: Results,
    labels: Annotated[
        Path,
        typer.Option(metavar="FILE", help="a TOML file of labels: name, description, examples", show_default=False),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> int:
    """Label videos by what they are about, from your own labels.

    It goes by title and description (clip.info.json of yt-dlp, next to the video), speech and text on screen. A video
    may be none of them. Nothing is trained, and nothing leaves this machine.

    \b
    [[label]]
    name = "cooking"
    description = "recipes, kitchens, food"
    examples = ["how to cook a risotto", "three mistakes with eggs"]
    """
    from framefleet.corpus.niches import classify as classified

    found = classified(results, labels)
    if as_json:
        import msgspec

        json.dump(msgspec.to_builtins(found), sys.stdout, ensure_ascii=False, indent=1)
        print()
        return 0
    for one in found:
        _print(one)
    return 0


def _print(one: "Niche") -> None:
    second = f", else {one.second}" if one.second and (one.unsure or one.label is None) else ""
    guess = ", unsure" if one.unsure else ""
    print(clean(f"{one.video}: {one.label or 'none of them'} ({one.score:.2f}{guess}{second})"))
    if one.note:
        print(clean(f"  {one.note}"))
    for because in one.because:
        when = "title or description" if because.start_s is None else clock(because.start_s)
        print(clean(f"  {when}: {because.text[:120]}"))
