"""Which pieces of neighbouring chunks belong together: those whose pixels share an edge across the seam."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window


class Seams:
    """Follows the tracing of chunks, row by row from left to right, and links pieces across their seams.

    Pieces are counted in the order in which they come, those that wait from the row above first.
    """

    def __init__(self, width: int) -> None:
        """Begin above the first row of chunks of a raster ``width`` pixels wide."""
        self._above = np.zeros(width, dtype=np.int64)
        self._below = np.zeros(width, dtype=np.int64)
        self._left: NDArray[np.int64] | None = None
        self._count = 0
        self._links: list[NDArray[np.int64]] = []

    def add(self, window: Window, places: NDArray[np.int32]) -> None:
        """Take the next chunk: for each of its pixels the number of its piece within the chunk, or 0."""
        numbers = np.where(places > 0, places + np.int64(self._count), 0)
        columns = slice(window.col_off, window.col_off + window.width)
        self._link(self._above[columns], numbers[0])
        if self._left is not None:
            self._link(self._left, numbers[:, 0])
        self._left = numbers[:, -1]
        self._below[columns] = numbers[-1]
        self._count += int(places.max(initial=0))

    def skip(self, window: Window) -> None:
        """Pass over a chunk that holds nothing."""
        self._left = None
        self._below[window.col_off : window.col_off + window.width] = 0

    def group(self, count: int) -> NDArray[np.int64]:
        """Return a group number, from 0, for each of ``count`` pieces: the same for pieces that are linked."""
        parents = list(range(count))
        for first, second in np.unique(np.concatenate(self._links or [np.empty((0, 2), np.int64)]), axis=0) - 1:
            low, high = sorted((_find_root(parents, int(first)), _find_root(parents, int(second))))
            parents[high] = low
        roots = np.array([_find_root(parents, place) for place in range(count)], dtype=np.int64)
        return np.asarray(np.unique(roots, return_inverse=True)[1], dtype=np.int64)

    def close_row(self, groups: NDArray[np.int64]) -> NDArray[np.bool_]:
        """End a row of chunks; return which groups reach its lower edge and wait for the next row, in their order."""
        is_on_edge = self._below > 0
        reaching = groups[self._below[is_on_edge] - 1]
        goes_on = np.zeros(int(groups.max(initial=-1)) + 1, dtype=bool)
        goes_on[reaching] = True
        renumbered = np.cumsum(goes_on)
        self._above = np.zeros_like(self._below)
        self._above[is_on_edge] = renumbered[reaching]
        self._left, self._links, self._count = None, [], int(goes_on.sum())
        return goes_on

    def _link(self, firsts: NDArray[np.int64], seconds: NDArray[np.int64]) -> None:
        both = (firsts > 0) & (seconds > 0)
        self._links.append(np.unique(np.column_stack([firsts[both], seconds[both]]), axis=0))


def _find_root(parents: list[int], place: int) -> int:
    while parents[place] != place:
        parents[place] = parents[parents[place]]
        place = parents[place]
    return place
