"""Voices that need no model: unit vectors with a few numbers that tell people apart."""

import numpy as np

from framefleet.stages.speakers.join import Centre, ClipVoice


def centre(person: int, scatter: float = 0.0, seed: int = 0) -> Centre:
    """The centre of a person's voice, of length 1: people are 1.0 apart, and one's own up to about `scatter`²."""
    vector = np.zeros(256)
    vector[person] = 1.0
    noise = np.random.default_rng(seed).normal(size=256)
    vector += scatter * noise / np.linalg.norm(noise)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def voice(clip: int, person: int, *turns: tuple[float, float], scatter: float = 0.1) -> ClipVoice:
    return ClipVoice(clip, centre(person, scatter, seed=97 * clip + person), list(turns))
