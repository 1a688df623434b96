"""Short videos for benchmarks: shots, words on screen, speech and music, put together by ffmpeg and espeak-ng."""

import random
import subprocess
import tempfile
import wave
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

WIDTH, HEIGHT, FPS, RATE = 320, 180, 25, 22050
FONTS = "/usr/share/fonts/truetype/dejavu/"
SANS, BOLD, SERIF, MONO = (f"{FONTS}DejaVu{name}.ttf" for name in ("Sans", "Sans-Bold", "Serif-Bold", "SansMono"))


@dataclass
class Shot:
    seconds: float
    source: str  # a file, or a colour
    start: float = 0.0
    zoom: float = 0.0


@dataclass
class Words:
    text: str
    start: float
    end: float
    y: str = "(h-text_h)/2"
    x: str = "(w-text_w)/2"
    size: int = 22
    font: str = BOLD
    color: str = "white"
    boxed: bool = True


@dataclass
class Film:
    """One video on its way: shots, words on screen, sounds."""

    rng: random.Random
    footage: list[tuple[str, float]]
    topic: tuple[str, ...]
    voice: str
    face: tuple[str, float]
    shots: list[Shot] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)
    sounds: list[tuple[float, np.ndarray]] = field(default_factory=list)

    @property
    def length(self) -> float:
        return sum(shot.seconds for shot in self.shots)

    def cut(self, seconds: float, zoom: float = 0.0, source: str | None = None, start: float | None = None) -> None:
        seconds = max(2, round(seconds * FPS)) / FPS
        if source is None:
            source, length = self.rng.choice(self.footage)
            start = self.rng.uniform(0, max(0.0, length - seconds - 0.5))
        self.shots.append(Shot(seconds, source, start or 0.0, zoom))

    def look_at_face(self, seconds: float, start: float) -> None:
        self.cut(seconds, source=self.face[0], start=self.face[1] + start)

    def write(self, text: str, start: float, end: float, **style: object) -> None:
        self.words.append(Words(text, start, end, **style))  # type: ignore[arg-type]

    def say(self, lines: list[str], at: float, gap: float, speed: int) -> list[tuple[str, float, float]]:
        """Speak the lines one after the other; return each with its start and end."""
        spoken = []
        for line in lines:
            sound = speech(line, self.voice, speed)
            self.sounds.append((at, sound))
            spoken.append((line, at, at + len(sound) / RATE))
            at += len(sound) / RATE + gap
        return spoken

    def play(self, beat: bool, gain: float) -> None:
        self.sounds.append((0.0, gain * music(self.length, beat, self.rng)))


def speech(text: str, voice: str, speed: int) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "s.wav")
        subprocess.run(["espeak-ng", "-v", voice, "-s", str(speed), "-w", path, text], check=True, capture_output=True)
        with wave.open(str(path)) as file:
            return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768


def music(seconds: float, beat: bool, rng: random.Random) -> np.ndarray:
    """Plucked strings, over a drum if there is a beat."""
    noise = np.random.default_rng(rng.randrange(2**32))
    track = np.zeros(int((seconds + 2) * RATE), np.float32)
    step = 60 / rng.uniform(95, 130) / 2 if beat else 60 / rng.uniform(50, 72)
    root = rng.choice([196.0, 220.0, 247.0, 262.0])
    for number, at in enumerate(np.arange(0, seconds, step)):
        period = int(RATE / (root * 2 ** (rng.choice([0, 4, 7, 12]) / 12)))
        ring, parts = noise.uniform(-1, 1, period).astype(np.float32), []
        for _ in range(int(1.1 * RATE / period)):
            parts.append(ring)
            ring = 0.497 * (ring + np.roll(ring, 1))
        note, place = np.concatenate(parts), int(at * RATE)
        track[place : place + len(note)] += 0.3 * note[: len(track) - place]
        if beat and number % 2 == 0:
            t = np.arange(int(0.15 * RATE)) / RATE
            drum = np.sin(2 * np.pi * 55 * t) * np.exp(-22 * t) + 0.2 * noise.standard_normal(len(t)) * np.exp(-60 * t)
            track[place : place + len(drum)] += 0.9 * drum.astype(np.float32)
    return track[: int(seconds * RATE)]


def render(film: Film, path: Path, grade: str) -> None:
    """Write the film as MP4. `grade` is a filter of ffmpeg for its colours."""
    inputs: list[str] = []
    for shot in film.shots:
        if shot.source.startswith("0x"):
            source = f"color=c={shot.source}:s={WIDTH}x{HEIGHT}:r={FPS}"
            inputs += ["-f", "lavfi", "-t", str(shot.seconds), "-i", source]
        else:
            inputs += ["-ss", f"{shot.start:.2f}", "-t", str(shot.seconds), "-i", shot.source]
    count = len(film.shots)
    joined = "".join(f"[v{n}]" for n in range(count)) + f"concat=n={count},{grade}"
    written = "".join(map(words_filter, film.words))
    graph = [*map(shot_filter, range(count), film.shots), f"{joined}{written},format=yuv420p[out]"]
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder, "sound.wav")
        write_sound(film, wav)
        command = ["ffmpeg", "-y", "-loglevel", "error", "-threads", "1", *inputs, "-i", str(wav)]
        command += ["-filter_complex", ";".join(graph), "-map", "[out]", "-map", f"{count}:a"]
        command += ["-c:v", "libx264", "-preset", "veryfast", "-crf", "24", "-c:a", "aac", "-b:a", "64k"]
        subprocess.run([*command, "-t", f"{film.length:.2f}", str(path)], check=True, capture_output=True)


def shot_filter(number: int, shot: Shot) -> str:
    frames = round(shot.seconds * FPS)
    zoom = (
        f",scale={2 * WIDTH}:-2,zoompan=z='1+{shot.zoom}*on/{frames}':x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2'"
        f":d=1:s={WIDTH}x{HEIGHT}:fps={FPS}"
    )
    return (
        f"[{number}:v]fps={FPS},scale={WIDTH}:{HEIGHT}:force_original_aspect_ratio=increase,"
        f"crop={WIDTH}:{HEIGHT},setsar=1{zoom if shot.zoom else ''},tpad=stop_mode=clone:stop_duration=9,"
        f"trim=end_frame={frames},setpts=PTS-STARTPTS[v{number}]"
    )


def words_filter(words: Words) -> str:
    text = "".join(sign for sign in words.text if sign not in ":',%\\")
    box = ":box=1:boxcolor=black@0.6:boxborderw=4" if words.boxed else ""
    return (
        f",drawtext=fontfile={words.font}:text='{text}':fontsize={words.size}:fontcolor={words.color}"
        f":x={words.x}:y={words.y}{box}:enable='between(t,{words.start:.2f},{words.end:.2f})'"
    )


def write_sound(film: Film, path: Path) -> None:
    track = np.zeros(int(film.length * RATE) + 1, np.float32)
    for at, sound in film.sounds:
        place = int(at * RATE)
        part = sound[: max(0, len(track) - place)]
        track[place : place + len(part)] += part
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((np.clip(track, -1, 1) * 32767).astype(np.int16).tobytes())


def length_of(path: str) -> float:
    asked = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path]
    return float(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
