"""Specks without data inside valid ground: smaller than a building, they are no gaps, and are filled from around."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, find_objects, label

_LARGEST_M = 5.0
_LEAST_PX, _MOST_PX = 2, 64


def choose_speck_side(gsd_m: float) -> int:
    """Return how many pixels a side a speck has at most: those of 5 m."""
    return int(np.clip(round(_LARGEST_M / gsd_m), _LEAST_PX, _MOST_PX))


def find_specks(valid: NDArray[np.bool_], side_px: int) -> NDArray[np.bool_]:
    """Return which pixels (height, width) without data are specks.

    Those are groups that share edges, are at most ``side_px`` wide and high, and do not touch the array's border.
    """
    numbers, count = label(~valid)
    height, width = valid.shape
    is_speck = np.zeros(count + 1, dtype=bool)
    for number, (rows, cols) in enumerate(find_objects(numbers), 1):
        is_small = max(rows.stop - rows.start, cols.stop - cols.start) <= side_px
        is_enclosed = rows.start > 0 and cols.start > 0 and rows.stop < height and cols.stop < width
        is_speck[number] = is_small and is_enclosed
    return np.asarray(is_speck[numbers])


def fill_specks(values: NDArray[Any], valid: NDArray[np.bool_], specks: NDArray[np.bool_]) -> None:
    """Give the specks in ``values`` (bands, height, width) what the nearest valid pixel holds; some must be valid."""
    rows, cols = distance_transform_edt(~valid, return_distances=False, return_indices=True)
    values[:, specks] = values[:, rows[specks], cols[specks]]
