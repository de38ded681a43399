"""Whether there are enough labels, and how many more would help."""

from __future__ import annotations

import math

import numpy as np

from ...core.block_roles import HELD_OUT, TRAINING
from ...core.events import ADVICE, WARNING, Finding
from ..dataset.split import Split

#: Half of the 95 % interval of a share of n independent buildings, at its widest: 0.98 / sqrt(n).
_HALF_WIDTH = 0.98
_WISHED = 0.10
_POOR = 0.20
_FEW_TO_LEARN = 50


def measure_width(buildings: int) -> float:
    """Return how far off, either way, a score of so many buildings may be (95 %, buildings taken as independent)."""
    return _HALF_WIDTH / math.sqrt(buildings)


def find_shortage(split: Split, *, has_areas: bool) -> list[Finding]:
    """Return what is to be said of how many buildings there are to score by and to learn from.

    The rule: a share of n buildings is known to 0.98 / sqrt(n) either way at the worst; +- 0.10, from 97 held-out
    buildings, is taken as good enough. Fewer than 50 buildings to learn from change a model little.
    """
    found = []
    held_out, training = (int((split.label_roles == role).sum()) for role in (HELD_OUT, TRAINING))
    width, needed = measure_width(held_out), math.ceil((_HALF_WIDTH / _WISHED) ** 2)
    if width > _WISHED:
        share = held_out / max(int(np.isin(split.label_roles, (HELD_OUT, TRAINING)).sum()), 1)
        missing = needed - held_out
        more = (
            f"About {missing} more in the held-out areas"
            if has_areas
            else f"About {math.ceil(missing / share)} more labels in all, of which {missing} will be held out,"
        )
        found.append(
            Finding(
                "few_held_out",
                WARNING if width > _POOR else ADVICE,
                f"Only {held_out} buildings are held out: their F1 is known to about \u00b1 {width:.2f}.",
                f"{more} would bring that to \u00b1 {_WISHED:.2f}.",
                held_out,
            )
        )
    if training < _FEW_TO_LEARN:
        found.append(
            Finding(
                "few_to_learn",
                WARNING,
                f"Only {training} buildings are labelled for training.",
                f"Label more in the training area: with fewer than {_FEW_TO_LEARN}, tuning changes little.",
                training,
            )
        )
    return found
