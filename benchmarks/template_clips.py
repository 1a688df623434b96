"""python benchmarks/template_clips.py OUT FOOTAGE… [--each 6] [--near] [--seed 1]

Make short videos of known templates, crossed with what must not matter: topic, grade, voice, pace and footage. Six
kinds that differ plainly, or with --near five that lie close, and odd ones that follow no template. Writes OUT/*.mp4
and OUT/kinds.json (kind by file name). Needs ffmpeg with drawtext, and espeak-ng.
"""

import argparse
import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np

from template_film import BOLD, MONO, SANS, SERIF, Film, length_of, render

TOPICS = (
    ("bread", "fresh dough", "a hot oven", "sea salt", "old flour", "long rest"),
    ("Porto", "night bus", "cheap rooms", "the river", "tile museum", "street food"),
    ("running", "warm up", "new shoes", "slow miles", "long hills", "deep sleep"),
    ("savings", "your rent", "index funds", "old debt", "spending plan", "interest"),
    ("bikes", "flat tyre", "chain oil", "city lanes", "brake pads", "winter rides"),
    ("parrots", "seed mix", "a big cage", "vet check", "loud calls", "fresh water"),
)
VOICES = ("en-us", "en-gb", "en-gb-scotland", "en-us+f3", "en-gb+f2")
GRADES = ("null", "eq=saturation=1.4", "eq=saturation=0.4:brightness=-0.04", "eq=gamma=1.2", "hue=h=30", "hue=h=-40")
PLAIN = ("0xF4F4F4", "0xE6ECF4", "0xFFFFFF", "0xF4ECDD")
DEEP = ("0x203040", "0x402030", "0x303030", "0x504838")


def until_next(spoken: list[tuple[str, float, float]], tail: float) -> list[float]:
    return [start for _, start, _ in spoken[1:]] + [spoken[-1][2] + tail]


def countdown(film: Film, silent: bool = False) -> None:
    """A numbered list: a title, a number and a thing each, a call to follow."""
    rng, topic = film.rng, film.topic
    count = rng.choice([3, 4])
    titles = [
        f"{count} things about {topic[0]}",
        *(f"{n + 1}. {topic[n + 1]}" for n in range(count)),
        "Follow for more",
    ]
    if silent:
        ends = list(np.cumsum([rng.uniform(1.7, 2.4) for _ in titles]))
        starts = [0.0, *ends[:-1]]
    else:
        lines = [
            f"{titles[0]} you should know",
            *(f"Number {n + 1}. {topic[n + 1]}." for n in range(count)),
            titles[-1],
        ]
        spoken = film.say(lines, 0.1, rng.uniform(0.4, 0.8), rng.randint(165, 195))
        starts, ends = [start for _, start, _ in spoken], until_next(spoken, 1.0)
    color = rng.choice(["yellow", "white"])
    for n, (title, start, end) in enumerate(zip(titles, starts, ends, strict=True)):
        film.cut(end - film.length)
        inner = 0 < n <= count
        film.write(
            title, start, end - 0.1, y="h*0.12" if inner else "(h-text_h)/2", size=20 if inner else 24, color=color
        )
    film.play(beat=True, gain=0.6 if silent else 0.12)


def head(film: Film, away: bool = False) -> None:
    """Somebody talks to the camera, with subtitles; with half of it cut away to other footage."""
    rng, topic = film.rng, film.topic
    lines = [
        f"I want to talk about {topic[0]} today.",
        f"Most people think that {topic[1]} is hard.",
        f"I tried {topic[2]} for a year and learned that it is simple.",
        f"So take your time with {topic[3]}.",
    ]
    spoken = film.say(lines, 0.2, rng.uniform(0.1, 0.3), rng.randint(155, 185))
    total = spoken[-1][2] + 0.6
    parts = rng.choice([4, 5]) if away else rng.choice([1, 2])
    for n in range(parts):
        if away and n % 2:
            film.cut(total / parts)
        else:
            film.look_at_face(total / parts, film.length)
    for text, start, end in spoken:
        words, middle = text.split(), (start + end) / 2
        half = len(words) // 2
        for part, a, b in ((words[:half], start, middle), (words[half:], middle, end)):
            film.write(" ".join(part), a, b, y="h*0.84", size=13, font=SANS)


def montage(film: Film) -> None:
    """Quick cuts to a beat, hardly a word."""
    rng = film.rng
    total, beat = rng.uniform(9, 13), rng.uniform(0.7, 1.2)
    while film.length < total:
        film.cut(beat * rng.choice([1, 1, 1, 2]))
    if rng.random() < 0.5:
        film.write(film.topic[0].upper(), 0, 1.4, size=30, boxed=False)
    film.write("Link in bio", film.length - 1.5, film.length)
    film.play(beat=True, gain=0.6)


def quotes(film: Film) -> None:
    """Slow lines in serif over slow zooms, with soft music."""
    rng = film.rng
    for n in range(3):
        start, seconds = film.length, rng.uniform(3.2, 4.4)
        plain = rng.random() < 0.4
        film.cut(seconds, zoom=0.0 if plain else rng.uniform(0.05, 0.12), source=rng.choice(DEEP) if plain else None)
        for row, text in enumerate(
            (f"Small {film.topic[n + 1]}", rng.choice(["is all you need", "will change your life"]))
        ):
            film.write(
                text, start + 0.3, start + seconds - 0.2, y=f"h*{0.38 + 0.16 * row}", size=18, font=SERIF, boxed=False
            )
    film.play(beat=False, gain=0.5)


def story(film: Film, lines_below: bool = False) -> None:
    """A question and a tale, two large words at a time; or with whole lines below."""
    rng, topic = film.rng, film.topic
    lines = [
        rng.choice([f"Have you ever lost your {topic[0]}?", f"Why does nobody talk about {topic[0]}?"]),
        f"Last year I went out for {topic[1]} and never came back.",
        f"Somebody had left me with {topic[2]}.",
        f"That is how I found {topic[3]}.",
    ]
    spoken = film.say(lines, 0.1, rng.uniform(0.15, 0.35), rng.randint(165, 195))
    color = rng.choice(["yellow", "white"])
    for (text, start, end), until in zip(spoken, until_next(spoken, 0.7), strict=True):
        film.cut(until - film.length)
        words = text.strip(".?").split()
        size = 6 if lines_below else 2
        step = (end - start) / len(words)
        for n in range(0, len(words), size):
            a, b, part = (
                start + n * step,
                start + min(n + size, len(words)) * step - 0.02,
                " ".join(words[n : n + size]),
            )
            if lines_below:
                film.write(part, a, b, y="h*0.84", size=13, font=SANS)
            else:
                film.write(part.upper(), a, b, y="h*0.55", size=24, color=color, boxed=False)
    if rng.random() < 0.7:
        film.play(beat=False, gain=0.12)


def slides(film: Film) -> None:
    """Steps that appear one below the other on a plain page, explained slowly."""
    rng, topic = film.rng, film.topic
    lines = [
        f"How to get {topic[0]} in three steps.",
        *(f"Step {n + 1}. Open {topic[n + 1]} and press save." for n in range(3)),
    ]
    spoken = film.say(lines, 0.3, rng.uniform(0.9, 1.5), rng.randint(130, 155))
    total = spoken[-1][2] + 1.2
    film.cut(total, source=rng.choice(PLAIN))
    style = {"color": "black", "boxed": False}
    film.write(f"How to get {topic[0]}", 0, total, y="h*0.05", size=18, font=SANS, **style)
    for n, (_, start, _) in enumerate(spoken[1:]):
        film.write(
            f"Step {n + 1}  {topic[n + 1]}", start, total, y=f"h*{0.3 + 0.2 * n}", x="20", size=15, font=MONO, **style
        )


def odd(film: Film) -> None:
    """Cuts, words, voice and music at random."""
    rng, topic = film.rng, film.topic
    lines = [f"{topic[n]} and {topic[n + 1]}." for n in range(rng.randint(0, 4))]
    spoken = film.say(lines, rng.uniform(0, 3), rng.uniform(0.2, 3), rng.randint(110, 220))
    total = max(rng.uniform(9, 15), spoken[-1][2] if spoken else 0)
    while film.length < total:
        film.cut(rng.choice([0.8, 1.5, 3.0, 6.0]), source=None if rng.random() < 0.8 else "0x88AA44")
    for _ in range(rng.randint(0, 6)):
        start = rng.uniform(0, film.length - 2)
        style = {
            "y": f"h*{rng.uniform(0.05, 0.85):.2f}",
            "size": rng.choice([13, 18, 26]),
            "font": rng.choice([SANS, BOLD, SERIF, MONO]),
        }
        film.write(rng.choice(topic), start, start + rng.uniform(0.5, 4), **style)
    if rng.random() < 0.66:
        film.play(beat=rng.random() < 0.5, gain=0.3)


Kind = Callable[[Film], None]
PLAINLY: dict[str, Kind] = {
    "countdown": countdown,
    "head": head,
    "montage": montage,
    "quotes": quotes,
    "story": story,
    "slides": slides,
}
NEAR: dict[str, Kind] = {
    "story": story,
    "story_lines": lambda film: story(film, lines_below=True),
    "head": head,
    "head_away": lambda film: head(film, away=True),
    "silent_countdown": lambda film: countdown(film, silent=True),
    "odd": odd,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip(), formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("footage", nargs="+")
    parser.add_argument("--each", type=int, default=6)
    parser.add_argument("--near", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    footage = [(path, length_of(path)) for path in asked.footage]
    kinds = {}
    for number, (name, kind) in enumerate((NEAR if asked.near else PLAINLY).items()):
        for nth in range(asked.each):
            rng = random.Random(f"{asked.seed}/{asked.near}/{name}/{nth}")
            topic = (nth + number) % len(TOPICS)
            words = (TOPICS[topic][0], *rng.sample(TOPICS[topic][1:], 5))
            face = (footage[0][0], rng.uniform(0, 1))  # the first has somebody in it
            film = Film(rng, footage, words, VOICES[nth % len(VOICES)], face)
            kind(film)
            path = asked.out / f"{TOPICS[topic][0].lower()}-{'n' * asked.near}{number * 37 + nth * 5:03d}.mp4"
            render(film, path, "null" if name == "slides" else rng.choice(GRADES))
            kinds[path.name] = name
    (asked.out / "kinds.json").write_text(json.dumps(kinds, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
