"""Which way and how far a step of a pixel leads on the ground: east and north, in metres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .crs import measure_axes_m
from .raster import Raster


@dataclass(frozen=True)
class LocalFrame:
    """Metres (east, north) of a step of one column and of one row, measured at some rows down the raster's middle.

    ``axes_m`` has shape (rows, 2, 2): the metres stand in its rows, the steps in its columns.
    """

    rows: NDArray[np.float64]
    axes_m: NDArray[np.float64]

    def to_metres(self, offsets_px: NDArray[np.float64], row: float) -> NDArray[np.float64]:
        """Return offsets (..., 2) of columns and rows in metres (east, north), as they are at a row."""
        return offsets_px @ self._at(np.array([row]))[0].T

    def to_pixels(self, east_m: float, north_m: float, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a way on the ground in columns and rows (n, 2), as they are at each of the rows."""
        return np.linalg.solve(self._at(rows), np.array([[east_m], [north_m]]))[..., 0]

    def _at(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        parts = [np.interp(rows, self.rows, part) for part in self.axes_m.reshape(-1, 4).T]
        return np.stack(parts, axis=1).reshape(-1, 2, 2)


def measure_frame(raster: Raster) -> LocalFrame:
    """Measure a raster's pixels down its middle."""
    rows = np.linspace(0.0, float(raster.height), 9)
    transform = raster.transform
    xs, ys = transform @ np.array([np.full(rows.shape, raster.width / 2), rows])
    steps = np.array([[transform.a, transform.b], [transform.d, transform.e]])
    return LocalFrame(rows, measure_axes_m(raster.crs, np.column_stack([xs, ys])) @ steps)
