"""What a person reads at the end of a run."""

from collections import Counter
from pathlib import Path

from framefleet.cli.words import counted
from framefleet.fleet.cost import Cost
from framefleet.results.document import Document

WORDS = 12
LABELS = 10
NOTICED_S = 3.0


def summary(document: Document, path: Path) -> str:
    """A few lines: what was seen and said, what failed, what it took, where the document is."""
    pictures = counted(len(document.detections or ()), "picture")
    slow = waited(document.cost)
    lines = [
        f"{document.video.path}: {document.video.duration_s:.1f} s, {pictures}",
        f"  seen     {seen(document)}",
        f"  said     {said(document)}",
        *more(document),
        f"  failed   {failed(document)}" if document.failures else "",
        f"  took     {document.timing.wall_s:.1f} s, {money(document.cost)}",
        f"  waited   {slow}" if slow else "",
        f"  advice   {document.timing.advice}" if document.timing.advice else "",
        f"  results  {path}",
    ]
    return "\n".join(line for line in lines if line)


def seen(document: Document) -> str:
    """Labels by how many boxes they have, the commonest first."""
    counts = Counter(found.label for picture in document.detections or () for found in picture.objects or ())
    listed = ", ".join(f"{label} {count}" for label, count in counts.most_common(LABELS))
    return listed + (f" and {len(counts) - LABELS} more" if len(counts) > LABELS else "") or "nothing"


def said(document: Document) -> str:
    """The first words, or why there are none."""
    if document.transcription is None:
        return "not listened to"
    words = document.transcription.text.split()
    if words:
        return " ".join(words[:WORDS]) + (" …" if len(words) > WORDS else "")
    reasons = {skipped.reason for skipped in document.transcription.skipped}
    return f"nothing ({', '.join(sorted(reasons))})" if reasons else "nothing"


def more(document: Document) -> list[str]:
    """A line for each further stage that found something."""
    lines = []
    if document.scenes:
        lines.append(f"  scenes   {len(document.scenes)}")
    if document.tracks is not None and document.tracks.tracks:
        tracks = Counter(track.label for track in document.tracks.tracks)
        lines.append(f"  tracks   {', '.join(f'{label} {count}' for label, count in tracks.most_common(LABELS))}")
    if document.sounds is not None and document.sounds.events:
        heard = Counter(event.label for event in document.sounds.events)
        lines.append(f"  heard    {', '.join(label for label, _ in heard.most_common(LABELS))}")
    if document.text is not None and document.text.spans:
        lines.append(f"  written  {', '.join(dict.fromkeys(span.text for span in document.text.spans[:LABELS]))}")
    return lines


def failed(document: Document) -> str:
    pictures = sum(len(failure.items or ()) for failure in document.failures)
    spans = sum(failure.span_s is not None for failure in document.failures)
    parts = [counted(pictures, "picture")] * bool(pictures) + [counted(spans, "stretch of sound")] * bool(spans)
    return f"{' and '.join(parts)}; first: {document.failures[0].error}"


def waited(cost: Cost) -> str:
    """How long each endpoint took to start on the first request, where a person noticed."""
    return ", ".join(
        f"{stage.first_delay_s:.1f} s for a worker to start on {name}"
        for name, stage in cost.stages.items()
        if stage.first_delay_s >= NOTICED_S
    )


def money(cost: Cost) -> str:
    if all(stage.backend == "local" for stage in cost.stages.values()):
        return "on this machine, so free"
    if any(stage.backend == "api" for stage in cost.stages.values()):
        return f"${cost.usd:.4f} and what the transcription API bills"
    return f"${cost.usd:.4f} (estimated ${cost.usd_estimated:.4f}; one at a time ${cost.usd_sequential:.4f})"
