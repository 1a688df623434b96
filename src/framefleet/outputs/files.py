"""The Python API for outputs of a result: an HTML report, an annotated video and exports."""

from pathlib import Path
from typing import Any

from framefleet.schema.codec import read_document


def report(result: Path | str, *, output: Path | str | None = None, video: Path | str | None = None) -> Path:
    """Write the HTML report of a result, next to it or to `output`, and return its path.

    `video` is the path of the video if it was moved; without the video the report has no player. Raises
    `FrameFleetError`.
    """
    from framefleet.outputs.report.make import ENDING, look_for_video, make_report
    from framefleet.progress import silent
    from framefleet.results.files import target

    result, document = Path(result), read_document(Path(result))
    found = look_for_video(document, result, _path(video), silent)
    return make_report(document, result, output=target(result, ENDING, _text(output)), video=found).path


def render(
    result: Path | str, *, output: Path | str | None = None, video: Path | str | None = None, **options: Any
) -> Path:
    """Write an annotated video of a result, next to it or to `output`, and return its path.

    `options` are the fields of `RenderOptions` (`boxes="hold", subtitles="track", crf=20, …`). Raises
    `FrameFleetError`.
    """
    from framefleet.media.files.probe import probe
    from framefleet.outputs.render.options import RenderOptions
    from framefleet.outputs.render.render import render as write
    from framefleet.results.files import keep_apart, target
    from framefleet.results.video_source import find_video

    result, document = Path(result), read_document(Path(result))
    place, source = target(result, "_annotated.mp4", _text(output)), find_video(document, result, _path(video))
    keep_apart(place, (source, result))
    write(document, probe(source, video_track=document.video.track), place, RenderOptions(**options))
    return place


def export(
    result: Path | str, to: str, *, output: Path | str | None = None, video: Path | str | None = None, **options: Any
) -> list[Path]:
    """Export a result to formats of other tools (`to="srt,coco"`), next to it or to `output`, and return the paths.

    `video` is the path of the video, for formats that read its frame times; without it they use the document's rate.
    `options` are `scores`, `words`, `separator` and `decimal`. Raises `FrameFleetError`.
    """
    from framefleet.outputs.export.formats import export as write
    from framefleet.outputs.export.formats import formats_of, targets
    from framefleet.results.files import beside, keep_apart, without_wildcards
    from framefleet.results.video_source import find_video, places

    result, document = Path(result), read_document(Path(result))
    paths = targets(formats_of(to), document, result, _text(output))
    source = find_video(document, result, _path(video)) if video is not None else None
    for format, path in paths.items():
        stem = beside(without_wildcards(result) if format.folder else result, "").name
        if not format.folder:
            keep_apart(path, (result, *([source] if source else places(document, result))))
        write(document, format, path, stem=stem, video=source, **options)
    return list(paths.values())


def _path(given: Path | str | None) -> Path | None:
    return None if given is None else Path(given)


def _text(given: Path | str | None) -> str | None:
    return None if given is None else str(given)
