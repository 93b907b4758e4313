"""Sounds made here, always the same from one seed: what lies beneath speech, and what is none.

No recording of a cough is ours to ship. A made cough is two bursts of throat-shaped noise, a made
clearing of the throat two creaking voiced stretches through the same throat: closer to a voice than
a cough is, and so harder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from esl_app.media.sound import TELEPHONE_RATE

Samples = NDArray[np.float64]
SPEECH_DBFS: Final = -25.0
"""The loudness speech is brought to, so that noise is so many dB beneath it."""
_FULL: Final = 32768.0


def gain_to(dbfs: float, samples: Samples) -> float:
    """What brings a sound, which is not silence, to this loudness (dB below full scale)."""
    return float(_FULL * 10 ** (dbfs / 20) / np.sqrt(np.mean(samples**2)))


def at_level(samples: Samples, dbfs: float) -> Samples:
    """The sound at this loudness over the whole of it."""
    return samples * gain_to(dbfs, samples)


def white(rng: np.random.Generator, dbfs: float) -> Callable[[int], Samples]:
    """A fan, a bad line."""
    return lambda count: rng.standard_normal(count) * _FULL * 10 ** (dbfs / 20)


def babble(
    voices: Sequence[Samples], rng: np.random.Generator, below_db: float, talkers: int = 8
) -> Callable[[int], Samples]:
    """A room in which so many talk at once, so far beneath the caller."""
    room = np.concatenate(voices)
    together: Samples = sum(
        (np.roll(room, int(rng.integers(len(room))))[::-1] for _ in range(talkers)),
        np.zeros(len(room)),
    )
    together = at_level(together, SPEECH_DBFS - below_db)
    return lambda count: np.resize(np.roll(together, int(rng.integers(len(room)))), count)


def burst(
    rng: np.random.Generator, seconds: float, decay_s: float, attack_s: float = 0.003
) -> Samples:
    """Noise that comes at once and dies away."""
    t = np.arange(round(seconds * TELEPHONE_RATE)) / TELEPHONE_RATE
    shape: Samples = np.minimum(1, t / attack_s) * np.exp(-np.maximum(0, t - attack_s) / decay_s)
    return rng.standard_normal(len(t)) * shape


def key(rng: np.random.Generator) -> Samples:
    """The two tones of a key, 200 ms, where the network lets them through as sound."""
    t = np.arange(round(0.2 * TELEPHONE_RATE)) / TELEPHONE_RATE
    low, high = rng.choice((697, 770, 852, 941)), rng.choice((1209, 1336, 1477))
    return np.asarray(np.sin(2 * np.pi * low * t) + np.sin(2 * np.pi * high * t), np.float64)


def cough(rng: np.random.Generator) -> Samples:
    """Two bursts through a throat."""
    pause = np.zeros(round(0.08 * TELEPHONE_RATE))
    return _throat(np.concatenate([burst(rng, 0.22, 0.06), pause, burst(rng, 0.3, 0.09)]))


def throat_clearing(rng: np.random.Generator) -> Samples:
    """Two creaking stretches: pulses at an unsteady 70 to 110 a second, and breath, in a throat."""
    parts = []
    for seconds in (0.28, 0.4):
        count = round(seconds * TELEPHONE_RATE)
        source = rng.standard_normal(count) * 0.1
        at = 0.0
        while at < count:
            source[int(at)] += 1.0 + 0.3 * rng.standard_normal()
            at += TELEPHONE_RATE / rng.uniform(70, 110)
        t = np.arange(count) / TELEPHONE_RATE
        swell = np.minimum(1, t / 0.03) * np.minimum(1, (seconds - t) / 0.08)
        parts += [source * swell, np.zeros(round(0.09 * TELEPHONE_RATE))]
    return _throat(np.concatenate(parts))


def bang(rng: np.random.Generator) -> Samples:
    """A door."""
    return burst(rng, 0.25, 0.05)


def click(rng: np.random.Generator) -> Samples:
    """A contact, a pen."""
    return burst(rng, 0.015, 0.004)


def breath(rng: np.random.Generator) -> Samples:
    """Into the microphone; fainter than speech."""
    return burst(rng, 0.6, 0.3, attack_s=0.2) * 0.3


MADE: Final[dict[str, Callable[[np.random.Generator], Samples]]] = {
    "cough": cough,
    "throat": throat_clearing,
    "click": click,
    "bang": bang,
    "breath": breath,
    "key": key,
}
"""What a caller does that is no speech."""


def made(name: str, rng: np.random.Generator) -> Samples:
    """One of `MADE` at the loudness of speech, a breath fainter."""
    return at_level(MADE[name](rng), SPEECH_DBFS - (10 if name == "breath" else 0))


def _throat(source: Samples) -> Samples:
    """Resonances near 600, 1300 and 2500 Hz."""
    spectrum = np.fft.rfft(source)
    hertz = np.fft.rfftfreq(len(source), 1 / TELEPHONE_RATE)
    shape = sum(
        (g / (1 + ((hertz - f) / 150) ** 2) for f, g in ((600, 1.0), (1300, 0.7), (2500, 0.4))),
        np.full(len(hertz), 0.05),
    )
    return np.asarray(np.fft.irfft(spectrum * shape, len(source)), np.float64)
