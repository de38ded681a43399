"""How often the 95 % interval holds the true F1, before, after, and of the difference: ``make bench ARGS=coverage``.

Towns are drawn block by block: how densely a block is built, how hard it is for both models, and how hard for each of
them, differ from block to block. The true F1 is that of a million blocks. Beside it stands the plain percentile
bootstrap, which is what is found in most scripts. In the last town neighbouring blocks are alike, as no bootstrap over
blocks assumes: it says how much that costs.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.signal import lfilter
from scipy.special import expit

from plugin.worker.evaluation.bootstrap import DRAWS, MIN_BLOCKS, MIN_BUILDINGS, bound_difference, bound_f1

SIZES = (MIN_BLOCKS, 15, 25, 40, 60)
TRIALS = 1000
NAMES = ("before", "after", "difference")


@dataclass(frozen=True)
class Place:
    """A kind of town: ``buildings`` a block, and how unevenly (the shape of a gamma distribution; low is uneven).

    ``effect`` is how much blocks differ (standard deviation on the logistic scale), ``skill`` how well the base model
    finds a building (on that scale) and ``gain`` by how much better the tuned one does; ``false`` footprints come for
    each building, of either. ``kinship`` is how alike neighbouring blocks are.
    """

    name: str
    buildings: float
    evenness: float
    effect: float
    skill: float
    gain: float
    false: tuple[float, float]
    kinship: float = 0.0


PLACES = (
    Place("town, 35 buildings a block", 35, 1.5, 0.5, -0.4, 0.9, (0.45, 0.30)),
    Place("hamlets, 6 buildings a block", 6, 1.0, 0.5, -0.4, 0.9, (0.45, 0.30)),
    Place("base model that finds next to nothing", 35, 1.5, 0.6, -2.8, 3.0, (0.60, 0.30)),
    Place("models that are equally good", 20, 1.2, 0.7, 0.3, 0.0, (0.30, 0.30)),
)
ALIKE = Place("town whose neighbouring blocks are alike (0.3)", 35, 1.5, 0.5, -0.4, 0.9, (0.45, 0.30), 0.3)


def draw_counts(rng: Generator, place: Place, blocks: int) -> np.ndarray:
    """Return true positives, false positives and false negatives of both models, block by block: (2, blocks, 3)."""
    density = rng.gamma(place.evenness, 1 / place.evenness, blocks)
    buildings = rng.poisson(place.buildings * density)
    shared = make_kin(rng.normal(0, place.effect, blocks), place.kinship) - 0.3 * np.log(np.maximum(density, 0.02))
    counts = []
    for skill, rate in zip((place.skill, place.skill + place.gain), place.false, strict=True):
        found = rng.binomial(buildings, expit(skill + 0.8 * shared + rng.normal(0, 0.6 * place.effect, blocks)))
        blunders = rate * buildings * np.exp(-0.5 * shared + rng.normal(0, 0.4, blocks)) + 0.02 * place.buildings
        counts.append(np.stack([found, rng.poisson(blunders), buildings - found], axis=1))
    return np.array(counts)


def make_kin(effects: np.ndarray, kinship: float) -> np.ndarray:
    """Return effects as widely spread, each of which is like the one before it."""
    own = effects * np.sqrt(1 - kinship**2)
    own[0] = effects[0]
    return lfilter([1], [1, -kinship], own)


def count_f1(counts: np.ndarray) -> np.ndarray:
    """Return F1 by counts of the shape (..., 3)."""
    hits = 2.0 * counts[..., 0]
    return hits / np.maximum(hits + counts[..., 1] + counts[..., 2], 1)


def bound_plainly(counts: np.ndarray, rng: Generator) -> tuple[float, float]:
    """Return the percentile bootstrap's interval of an F1: the reference."""
    weights = rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), DRAWS)
    low, high = np.percentile(count_f1(weights @ counts), (2.5, 97.5))
    return float(low), float(high)


@dataclass(frozen=True)
class Coverage:
    """Of how many trials with an interval it held the truth, by ``NAMES``, and the plain one's for ``after``."""

    trials: int
    none: int
    hits: tuple[int, ...]
    widths: tuple[float, ...]
    plain_hits: int

    @property
    def shares(self) -> tuple[float, ...]:
        """The shares that were held, 0 to 1."""
        return tuple(hits / self.trials for hits in self.hits)


def measure_coverage(place: Place, blocks: int, trials: int, seed: int = 2019) -> Coverage:
    """Draw a town's blocks again and again, and count how often the intervals hold the truth."""
    before, after = count_f1(draw_counts(np.random.default_rng(seed), place, 1_000_000).sum(axis=1))
    truths = (before, after, after - before)
    rng, held, widths, none, plain = np.random.default_rng([seed, blocks]), [], [], 0, 0
    while len(held) < trials:
        counts = draw_counts(rng, place, blocks)
        intervals = (bound_f1(counts[0]), bound_f1(counts[1]), bound_difference(counts[0], counts[1]))
        if None in intervals:
            none += 1
            continue
        held.append([low <= truth <= high for (low, high), truth in zip(intervals, truths, strict=True)])
        widths.append([high - low for low, high in intervals])
        low, high = bound_plainly(counts[1], rng)
        plain += low <= after <= high
    hits = tuple(int(each) for each in np.sum(held, axis=0))
    return Coverage(trials, none, hits, tuple(np.median(widths, axis=0).tolist()), int(plain))


def main(arguments: list[str]) -> None:
    """Print the coverage for each kind of town and count of blocks; ``arguments`` may give the number of trials."""
    trials = int(arguments[0]) if arguments else TRIALS
    print(f"95 % intervals, {trials} trials each; none below {MIN_BLOCKS} blocks or {MIN_BUILDINGS} buildings")
    for place in (*PLACES, ALIKE):
        print(f"\n{place.name}")
        print("  blocks   before    after  difference   (plain percentile, after)   width of difference   none given")
        for blocks in SIZES:
            began = time.monotonic()
            found = measure_coverage(place, blocks, trials)
            first, second, third = (f"{100 * share:6.1f} %" for share in found.shares)
            plain = f"{100 * found.plain_hits / trials:.1f} %"
            print(
                f"  {blocks:6d} {first} {second}    {third}   {plain:>25}   {found.widths[2]:19.3f}   {found.none:10d}"
                f"   {time.monotonic() - began:5.0f} s"
            )
            sys.stdout.flush()
