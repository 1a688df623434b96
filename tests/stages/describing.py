"""A stage that is no part of the program: three pictures of each scene, and a line that describes it."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import simplejpeg

from framefleet.config.options import FrameOptions, Options, Setting
from framefleet.media.types import MediaInfo
from framefleet.protocol.envelope import JpegFrames, TimingMs
from framefleet.schema.results import FoundSpan
from framefleet.stages.base import Stage
from framefleet.stages.frame_stage import AboutSpan, FrameStage
from framefleet.stages.spec import Belongs, Frames, PerSpan, Remote, ResultKind, StageSpec

WORKER = {"schema_version": "1", "model": "fake", "model_id": "f00d", "device": "cpu", "gpu": "NVIDIA L4"}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    source: JpegFrames
    prompt: str


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    index: int
    time_s: float
    words: str | None = None
    error: str | None = None


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    model_id: str
    device: str
    gpu: str | None = None
    frames: list[Seen]
    timing_ms: TimingMs = TimingMs()


class Description(msgspec.Struct, frozen=True, kw_only=True):
    start_s: float
    end_s: float
    words: str


class DescribeOptions(FrameOptions, frozen=True, kw_only=True):
    prompt: Annotated[str, Setting("what to ask about each scene")] = "What is this?"
    tone: Annotated[str, Setting("how it is shown", keyed=False)] = "plain"


class DescribeStage(FrameStage[Request, Reply, Seen]):
    name = "describe"
    endpoint = "describe"
    reply = Reply
    options = DescribeOptions

    def ask(self, frames: JpegFrames, media: MediaInfo, options: Options) -> Request:
        return Request(source=frames, prompt=self.own(options).prompt)

    def conclude(self, found: Sequence[AboutSpan[Seen]], media: MediaInfo, options: Options) -> list[Description]:
        return [
            Description(start_s=span.start_s, end_s=span.end_s, words=" / ".join(str(frame.words) for frame in frames))
            for span, frames in found
            if frames
        ]


def spans(found: Sequence[Description]) -> list[FoundSpan]:
    return [FoundSpan(start_s=one.start_s, end_s=one.end_s, text=one.words) for one in found]


def load() -> Stage:
    return DescribeStage()


DESCRIBE = StageSpec(
    name="describe",
    inputs=(Frames(PerSpan("scenes", 3)),),
    options=DescribeOptions,
    runs=Remote("describe", load),
    output=ResultKind("described", spans, list[Description], scene_field="described"),
    belongs=Belongs.BY_NAME,
)


class Describer:
    """Its endpoint's handler: says how bright each picture is. `requests` are the numbers of pictures in each."""

    def __init__(self) -> None:
        self.requests: list[int] = []
        self.prompts: Counter[str] = Counter()

    def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        asked = msgspec.convert(job["input"], Request)
        self.requests.append(len(asked.source.frames))
        self.prompts[asked.prompt] += 1
        frames = []
        for one in asked.source.frames:
            grey = simplejpeg.decode_jpeg(one.jpeg, colorspace="GRAY").mean()
            shade = "dark" if grey < 85 else "light" if grey > 170 else "grey"
            frames.append({"index": one.index, "time_s": one.time_s, "words": shade})
        return WORKER | {"frames": frames}
