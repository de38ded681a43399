"""Round numbers for the axes of a chart."""

from __future__ import annotations

import math
from typing import Sequence

_EVEN_STEP = 2


def choose_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return at most ``most`` evenly spaced round numbers, the first not above ``low`` and the last not below ``high``.

    Steps are 1, 2 or 5 times a power of ten. ``low`` and ``high`` may be equal.
    """
    if high <= low:
        low, high = low - (abs(low) or 1) * 0.1, low + (abs(low) or 1) * 0.1
    step = _round_step((high - low) / max(1, most - 1))
    while (ticks := _cover(low, high, step)) and len(ticks) > max(2, most):
        step = _round_step(step * 1.01)
    return ticks


def choose_epoch_ticks(first: int, last: int, most: int = 8) -> list[int]:
    """Return whole epochs from ``first`` to ``last``, at most ``most`` of them, evenly spaced but for the first."""
    step = max(1, math.ceil((last - first + 1) / max(1, most)))
    if step <= _EVEN_STEP:
        return list(range(first, last + 1, step))
    step = int(_round_step(step))
    return [first, *(epoch for epoch in range(first + 1, last + 1) if epoch % step == 0 and epoch - first > step / 2)]


def count_places(ticks: Sequence[float]) -> int:
    """Return how many decimal places tell the ticks apart."""
    step = min((b - a for a, b in zip(ticks, ticks[1:])), default=1.0)
    return max(0, -math.floor(math.log10(step) + 1e-9))


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))


def _cover(low: float, high: float, step: float) -> list[float]:
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [index * step for index in range(first, last + 1)]
