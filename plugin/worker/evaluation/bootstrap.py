"""How sure an F1 is, and whether two models differ by more than chance: a bootstrap over blocks of ground.

Buildings of one block fare alike, so that it is blocks that are drawn again, with replacement. The interval is the
symmetric studentised bootstrap (Hall 1988): how far the F1 of the drawn blocks lies from that of all of them, in
standard errors of its own by the jackknife, is what the F1 itself may lie from the truth. F1 is looked at on the
logistic scale, a difference as it is. The plain percentile bootstrap is too narrow by a third with ten blocks;
tests/benchmarks/coverage.py counts how often each holds the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...core.counts import Counts
from ...core.score import Difference, Interval
from .metrics import measure_f1

#: Of n blocks the true positives, false positives and false negatives, of the shape (n, 3).
BlockCounts: TypeAlias = "NDArray[np.int64]"
Floats: TypeAlias = "NDArray[np.float64]"

LEVEL = 0.95
DRAWS = 2000
MIN_BLOCKS = 10
MIN_BUILDINGS = 30
METHOD = (
    "Symmetric studentised bootstrap over blocks of held-out ground, on the logistic scale for an F1; the same drawn "
    "blocks for both models."
)
_SEED = 2019
_AT_ONCE = 500_000


def explain_absence(counts: BlockCounts) -> str:
    """Return why no interval can be given for these blocks, as a sentence; "" where one can."""
    buildings = counts[:, 0] + counts[:, 2]
    blocks, total = int((buildings > 0).sum()), int(buildings.sum())
    if blocks >= MIN_BLOCKS and total >= MIN_BUILDINGS:
        return ""
    if blocks < MIN_BLOCKS:
        return f"The {total} buildings lie in only {blocks} blocks; at least {MIN_BLOCKS} are needed for an interval."
    return f"Only {total} buildings are scored; at least {MIN_BUILDINGS} are needed for an interval."


def bound_f1(counts: BlockCounts) -> Interval | None:
    """Return the 95 % interval of the F1; None where there are too few blocks, or where it is 0 or 1 in all of them."""
    total = _total_f1(counts)
    if explain_absence(counts) or not 0 < total < 1:
        return None

    def measure(weights: Floats) -> Floats:
        drawn = _Jackknife(counts, weights)
        return np.abs(_to_logit(drawn.f1) - _to_logit(total)) / (drawn.spread / (drawn.f1 * (1 - drawn.f1)))

    whole = _Jackknife(counts, np.ones((1, len(counts))))
    reach = _find_reach(len(counts), measure) * float(whole.spread[0]) / (total * (1 - total))
    centre = float(_to_logit(total))
    low, high = (1 / (1 + np.exp(-np.clip(centre + side * reach, -700, 700))) for side in (-1, 1))
    return float(low), float(high)


def bound_difference(before: BlockCounts, after: BlockCounts) -> Interval | None:
    """Return the 95 % interval of F1 after minus F1 before, on the same blocks; None where there are too few."""
    if explain_absence(before):
        return None
    difference = _total_f1(after) - _total_f1(before)

    def measure(weights: Floats) -> Floats:
        first, second = (_Jackknife(counts, weights) for counts in (before, after))
        return np.abs(second.f1 - first.f1 - difference) / second.spread_from(first)

    whole = [_Jackknife(counts, np.ones((1, len(before)))) for counts in (before, after)]
    reach = _find_reach(len(before), measure) * float(whole[1].spread_from(whole[0])[0])
    return max(-1.0, difference - reach), min(1.0, difference + reach)


def compare_models(
    before: BlockCounts, after: BlockCounts, first: str = "base model", second: str = "tuned model"
) -> Difference:
    """Return by how much the F1 of the second model differs from the first one's, and whether that is more than noise.

    ``first`` and ``second`` are what the sentence calls the models.
    """
    change = _total_f1(after) - _total_f1(before)
    interval = bound_difference(before, after)
    if interval is None:
        sentence = (
            f"F1 by building changes by {change:+.3f}; it is unknown whether this is more than noise. "
            f"{explain_absence(before)}"
        )
        return Difference(change, sentence=sentence)
    is_more = bool(interval[0] > 0 or interval[1] < 0)
    blocks = int((before.sum(axis=1) + after.sum(axis=1) > 0).sum())
    figures = f"F1 by building changes by {change:+.3f} (95 % interval {interval[0]:+.3f} to {interval[1]:+.3f}, "
    better = "better" if change > 0 else "worse"
    verdict = (
        f"The {second} is {better} than the {first} by more than noise: "
        if is_more
        else "The difference between the two models is no more than noise: "
    )
    sentence = f"{verdict}{figures}{blocks} blocks)."
    return Difference(change, interval, is_more, sentence)


class _Jackknife:
    """F1 of drawn blocks, and its standard error by leaving out one drawn block after another.

    ``weights`` (draws, blocks) says how often each block was drawn.
    """

    def __init__(self, counts: BlockCounts, weights: Floats) -> None:
        drawn = weights @ counts
        self._weights, self._size = weights, len(counts)
        self.f1 = measure_f1(drawn)
        self._without = measure_f1(drawn[:, None] - counts)

    @property
    def spread(self) -> Floats:
        """The standard error of each draw's F1."""
        return self._measure(self._without)

    def spread_from(self, other: _Jackknife) -> Floats:
        """Return the standard error of each draw's F1 minus the other model's on the same blocks."""
        return self._measure(self._without - other._without)

    def _measure(self, values: Floats) -> Floats:
        mean = (values * self._weights).sum(axis=1, keepdims=True) / self._size
        squares = (self._weights * (values - mean) ** 2).sum(axis=1)
        return np.asarray(np.sqrt((self._size - 1) / self._size * squares))


def _find_reach(blocks: int, measure: Callable[[Floats], Floats]) -> float:
    """Return the distance, in standard errors, that 95 % of the draws keep to; a draw without an error goes beyond.

    ``measure`` gives the distance of each draw by how often each block is in it.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        distances = np.concatenate([measure(weights) for weights in _draw_blocks(blocks)])
    ordered = np.sort(np.nan_to_num(distances, nan=np.inf, posinf=np.inf))
    reach = float(ordered[min(len(ordered) - 1, int(np.ceil(LEVEL * len(ordered))))])
    return min(reach, 1e6)


def _draw_blocks(size: int) -> Iterator[Floats]:
    """Yield how often each block is in each draw, some draws at once: the same for every model, on every machine."""
    rng, chances = np.random.default_rng(_SEED), np.full(size, 1 / size)
    at_once = max(1, _AT_ONCE // size)
    for start in range(0, DRAWS, at_once):
        yield rng.multinomial(size, chances, min(at_once, DRAWS - start)).astype("float64")


def _total_f1(counts: BlockCounts) -> float:
    return Counts(*counts.sum(axis=0).tolist()).f1


def _to_logit(share: Any) -> Any:
    with np.errstate(divide="ignore"):
        return np.log(share) - np.log1p(-share)
