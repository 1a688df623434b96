"""Makes sample.mp4 from photographs that ship with scikit-image and speech by espeak-ng; README.md says whose they are.

pip install av scikit-image && sudo apt install espeak-ng
python samples/make_sample.py
"""

import argparse
import subprocess
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import skimage.data
from PIL import Image, ImageEnhance, ImageFilter

SIZE = (1280, 720)
FPS = 25
SAMPLE_RATE = 48_000
PAUSE_S = 1.0  # of silence after each sentence

# Photographs, what is said over them, and where the camera starts and ends: (centre x, centre y, share shown).
SCENES = [
    (
        ["astronaut"],
        "This is a picture of a smiling woman. She has been to space.",
        (0.50, 0.50, 1.00),
        (0.49, 0.46, 0.85),
    ),
    (["camera"], "A man is standing in a field, and looks through his camera.", (0.54, 0.52, 0.85), (0.48, 0.50, 1.0)),
    (["cat"], "Here is a cat, and she wants her dinner.", (0.50, 0.50, 1.00), (0.50, 0.50, 0.90)),
    (["coffee"], "There is a cup of coffee on the table.", (0.46, 0.50, 0.88), (0.54, 0.50, 0.88)),
    (["cat", "coffee"], "Now the cat and the coffee are side by side.", (0.50, 0.50, 1.00), (0.50, 0.50, 0.92)),
]


def stage(names: list[str]) -> Image.Image:
    """The photographs in a row, on a dark, blurred copy of the first: small enough to be seen whole."""
    photos = [Image.fromarray(getattr(skimage.data, name)()).convert("RGB") for name in names]
    back = photos[0].resize(SIZE).filter(ImageFilter.GaussianBlur(40))
    back = ImageEnhance.Brightness(back).enhance(0.5)
    cell = SIZE[0] / len(photos)
    for number, photo in enumerate(photos):
        scale = min(0.9 * cell / photo.width, 0.8 * SIZE[1] / photo.height, 1.25)
        width, height = round(photo.width * scale), round(photo.height * scale)
        place = (round(cell * (number + 0.5) - width / 2), (SIZE[1] - height) // 2)
        back.paste(photo.resize((width, height), Image.Resampling.LANCZOS), place)
    return back


def pan(picture: Image.Image, start: tuple[float, ...], end: tuple[float, ...], frames: int) -> Iterator[Image.Image]:
    """The picture as a camera sees it that glides from `start` to `end`; sub-pixel, so that it does not shake."""
    width, height = SIZE
    for k in range(frames):
        x, y, share = (a + (b - a) * k / max(1, frames - 1) for a, b in zip(start, end, strict=True))
        left = min(max(0.0, (x - share / 2) * width), width * (1 - share))
        top = min(max(0.0, (y - share / 2) * height), height * (1 - share))
        box = (left, top, left + share * width, top + share * height)
        yield picture.resize(SIZE, Image.Resampling.BICUBIC, box=box)


def say(text: str, folder: Path) -> np.ndarray:
    """`text` spoken: int16, mono, `SAMPLE_RATE`, a whole number of video frames long."""
    wav = folder / "line.wav"
    subprocess.run(["espeak-ng", "-v", "en-us", "-s", "130", "-w", str(wav), text], check=True)
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(str(wav)) as file:
        pieces = [piece.to_ndarray()[0] for frame in file.decode(audio=0) for piece in resampler.resample(frame)]
    pieces += [piece.to_ndarray()[0] for piece in resampler.resample(None)]
    per_frame = SAMPLE_RATE // FPS
    length = -(-(sum(map(len, pieces)) + round(PAUSE_S * SAMPLE_RATE)) // per_frame) * per_frame
    spoken = np.zeros(length, dtype=np.int16)
    joined = np.concatenate(pieces)
    spoken[: len(joined)] = joined
    return spoken


def write(path: Path) -> None:
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as out, tempfile.TemporaryDirectory() as folder:
        video = out.add_stream("libx264", rate=FPS, options={"crf": "25", "preset": "slow", "g": str(2 * FPS)})
        video.width, video.height = SIZE
        video.pix_fmt = "yuv420p"
        audio = out.add_stream("aac", rate=SAMPLE_RATE, layout="mono", bit_rate=64_000)
        heard = 0
        for names, text, start, end in SCENES:
            spoken = say(text, Path(folder))
            for image in pan(stage(names), start, end, len(spoken) * FPS // SAMPLE_RATE):
                out.mux(video.encode(av.VideoFrame.from_image(image)))
            sound = av.AudioFrame.from_ndarray(spoken[np.newaxis], format="s16", layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = SAMPLE_RATE, heard, Fraction(1, SAMPLE_RATE)
            out.mux(audio.encode(sound))
            heard += len(spoken)
        out.mux(video.encode(None))
        out.mux(audio.encode(None))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", nargs="?", type=Path, default=Path(__file__).parent / "sample.mp4")
    write(parser.parse_args().output)
