"""Which pieces of neighbouring chunks belong together: those that both chunks see go on across the seam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

_NO_LINKS = np.empty((0, 2), dtype=np.int64)


@dataclass(frozen=True)
class Edges:
    """The pieces of a chunk along its four edges: the number of each that goes on beyond the edge, from 1, else 0.

    ``count`` is how many pieces the chunk has.
    """

    top: NDArray[np.int32]
    bottom: NDArray[np.int32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    count: int


def find_edges(places: NDArray[np.int32], pieces: NDArray[np.int32], core: tuple[slice, slice]) -> Edges:
    """Return the edges of the ``core`` of a window.

    ``places`` are the numbers of the buildings in the whole window, ``pieces`` (as large as the core) those of their
    pieces in the core: a piece goes on where the pixel beyond the edge belongs to the same building. At the window's
    own edge nothing goes on.
    """
    rows, cols = core
    inner = places[core]
    nothing = np.zeros(0, dtype="int32")

    def go_on(own: NDArray[np.int32], beyond: NDArray[np.int32], numbers: NDArray[np.int32]) -> NDArray[np.int32]:
        return np.where(own == beyond, numbers, 0) if len(beyond) else np.zeros_like(numbers)

    above = places[rows.start - 1, cols] if rows.start else nothing
    below = places[rows.stop, cols] if rows.stop < places.shape[0] else nothing
    before = places[rows, cols.start - 1] if cols.start else nothing
    after = places[rows, cols.stop] if cols.stop < places.shape[1] else nothing
    return Edges(
        go_on(inner[0], above, pieces[0]),
        go_on(inner[-1], below, pieces[-1]),
        go_on(inner[:, 0], before, pieces[:, 0]),
        go_on(inner[:, -1], after, pieces[:, -1]),
        int(pieces.max(initial=0)),
    )


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

    def add(self, window: Window, edges: Edges) -> None:
        """Take the next chunk."""
        first = self._count
        top, bottom, left, right = (
            np.where(edge > 0, edge + np.int64(first), 0) for edge in (edges.top, edges.bottom, edges.left, edges.right)
        )
        columns = slice(window.col_off, window.col_off + window.width)
        self._link(self._above[columns], top)
        if self._left is not None:
            self._link(self._left, left)
        self._left = right
        self._below[columns] = bottom
        self._count += edges.count

    def skip(self, window: Window) -> None:
        """Pass over a chunk that holds nothing."""
        self._left = None
        self._below[window.col_off : window.col_off + window.width] = 0

    def group(self, count: int) -> NDArray[np.int64]:
        """Return a group number, from 0, for each of ``count`` pieces: the same for pieces that are linked."""
        return group_linked(np.concatenate([_NO_LINKS, *self._links]) - 1, count)

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


def group_linked(links: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return for each of ``count`` pieces the number of its group, from 0 in the order of their first pieces.

    ``links`` (n, 2) are pairs of pieces, counted from 0, that belong to one group.
    """
    graph = coo_array((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)
