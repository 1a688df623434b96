"""The options of `render` that choose how things are drawn and encoded."""

from typing import Annotated, Literal

import typer

from framefleet.outputs.render.options import Preset

Boxes = Annotated[
    Literal["move", "hold"],
    typer.Option(help="between samples: move along tracks, or hold until the next sample"),
]
Subtitles = Annotated[
    Literal["draw", "track", "none"],
    typer.Option(help="subtitles: drawn into the frames, as a subtitle track, or none"),
]
Legend = Annotated[bool, typer.Option("--legend/--no-legend", help="explain dashed boxes in a line on the frame")]
Crf = Annotated[float, typer.Option(help="x264 quality, 0 (best, largest) to 51", min=0, max=51)]
Speed = Annotated[Preset, typer.Option(help="x264 preset, speed against size")]
