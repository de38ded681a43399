"""Values far from all others: what a file holds where there is no data, and does not declare."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

_MANY = 0.001
_MOST = 3
_LEAST_OTHERS = 256
#: In spreads (1st to 99th percentile) of the other values, from their nearer end.
_FAR, _UNPHYSICAL, _ABSURD = 1.0, 10.0, 100.0
_APART = 0.05
#: Outliers are few, and lie on average so many spreads (5th to 95th percentile) off, with next to nothing between.
_MOST_OUTLIERS, _OFF, _BETWEEN = 0.045, 60.0, 0.05
_NEAR, _BEYOND = 2.0, 10.0
_ON_BORDER = 0.9


@dataclass(frozen=True)
class Stray:
    """A ``value``, and the ``share`` of a band's values that are just it.

    It ``is_plain`` that it holds no data where no sensor measures such a value, or where it lies along the raster's
    border.
    """

    value: float
    share: float
    is_plain: bool

    @property
    def is_common(self) -> bool:
        """Whether there are more of them than a dead pixel here and there."""
        return self.share > _MANY


def find_strays(plane: NDArray[np.float32], dtype: str) -> list[Stray]:
    """Return the stray values of a band (height, width), thinned out; NaN is where it is known to hold no data."""
    rest = plane[np.isfinite(plane)]
    found: list[Stray] = []
    while len(found) < _MOST:
        stray = next(_judge_ends(plane, rest, dtype), None)
        if stray is None:
            break
        found.append(stray)
        rest = rest[rest != stray.value]
    return found


def measure_outliers(values: NDArray[np.float32]) -> float:
    """Return the share of values, each of its own, that lie far off all others; 0 where next to none do."""
    if values.size < _LEAST_OTHERS:
        return 0.0
    low, high = np.percentile(values, (5, 95)).astype("float64")
    spread = max(high - low, 1e-3 * max(abs(low), abs(high)))
    if spread == 0:
        return 0.0
    off = np.maximum(low - values, values - high) / spread
    is_far = off > _BEYOND
    share, between = float(is_far.mean()), int(((off > _NEAR) & ~is_far).sum())
    is_few = _MANY < share <= _MOST_OUTLIERS and between <= _BETWEEN * is_far.sum()
    return share if is_few and float(np.median(off[is_far])) > _OFF else 0.0


def is_apart(value: float, values: NDArray[np.float32]) -> bool:
    """Tell whether a value lies so far off the others that it cannot be a colour."""
    if not np.isfinite(value) or not values.size:
        return True
    return _measure_gap(value, values, (0.1, 99.9)) >= _APART * _measure_spread(values)


def _judge_ends(plane: NDArray[np.float32], rest: NDArray[np.float32], dtype: str) -> Iterator[Stray]:
    """Yield the lowest and the highest value where they are stray."""
    for value in (float(rest.min()), float(rest.max())) if rest.size else ():
        others = rest[rest != value]
        if others.size < _LEAST_OTHERS:
            continue
        share = 1 - others.size / rest.size
        gap, spread = _measure_gap(value, others, (1, 99)), _measure_spread(others)
        low = float(np.percentile(others, 1))
        is_end = np.issubdtype(dtype, np.integer) and value == np.iinfo(dtype).max
        if gap > _ABSURD * spread and not is_end:
            yield Stray(value, share, True)
        elif share > _MANY and gap > _FAR * spread:
            is_measured = (value >= 0 or low < 0) and (is_end or gap <= _UNPHYSICAL * spread)
            yield Stray(value, share, not is_measured or _is_on_border(plane == value))
        elif share > _MANY and value == 0 and is_apart(value, others) and _is_on_border(plane == value):
            yield Stray(value, share, True)


def _measure_spread(values: NDArray[np.float32]) -> float:
    low, high = (float(end) for end in np.percentile(values, (1, 99)))
    return max(high - low, 1e-3 * max(abs(low), abs(high)), float(np.finfo("float32").tiny))


def _measure_gap(value: float, others: NDArray[np.float32], ends: tuple[float, float]) -> float:
    """Return how far a value lies beyond the other values, 0 where it lies among them."""
    low, high = np.percentile(others, ends).astype("float64")
    return float(max(low - value, value - high, 0.0))


def _is_on_border(places: NDArray[np.bool_]) -> bool:
    """Tell whether nearly all of these pixels hang together with the raster's border."""
    numbers, _ = label(places, structure=np.ones((3, 3)))
    edges = np.concatenate([numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]])
    return bool(np.isin(numbers[places], edges[edges > 0]).mean() >= _ON_BORDER)
