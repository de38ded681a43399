"""Blending of overlapping windows by a weight that falls smoothly towards their edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetWriter
from rasterio.windows import Window

from ..geodata.probability import encode_probability

OVERLAP_PX = 128
SIDE_PX = 640


class BlendedRows:
    """The rows of a strip that still receive windows: sums of weighted probabilities, and of weights."""

    def __init__(self, left: int, right: int, outputs: int) -> None:
        """Begin at the top of the columns ``left`` to ``right`` of the raster."""
        self._left, self._top = left, 0
        self._sums = np.zeros((outputs, SIDE_PX, right - left), dtype="float32")
        self._weights = np.zeros(self._sums.shape[1:], dtype="float32")
        self._valid = np.zeros(self._weights.shape, dtype=bool)
        ramp = np.minimum(np.arange(SIDE_PX) + 0.5, np.arange(SIDE_PX)[::-1] + 0.5) / OVERLAP_PX
        profile = np.sin(np.minimum(ramp, 1.0) * np.pi / 2).astype("float32") ** 2
        self._window_weight = np.outer(profile, profile)

    def add(self, window: Window, probability: NDArray[np.float32], valid: NDArray[np.bool_]) -> None:
        """Blend a window of the current row in."""
        start = max(0, window.col_off - self._left)
        stop = min(self._weights.shape[1], window.col_off + SIDE_PX - self._left)
        inner = slice(start + self._left - window.col_off, stop + self._left - window.col_off)
        self._sums[..., start:stop] += (probability * self._window_weight)[..., inner]
        self._weights[:, start:stop] += self._window_weight[:, inner]
        self._valid[:, start:stop] |= valid[:, inner]

    def move_to(self, top: int, target: DatasetWriter) -> None:
        """Write the rows above ``top``: no later window reaches them."""
        count = min(top - self._top, SIDE_PX)
        if count > 0:
            self._write(count, target)
            for plane in (*self._sums, self._weights, self._valid):
                plane[: SIDE_PX - count] = plane[count:].copy()
                plane[SIDE_PX - count :] = 0
        self._top = top

    def flush(self, target: DatasetWriter) -> None:
        """Write what is left."""
        self._write(SIDE_PX, target)

    def _write(self, count: int, target: DatasetWriter) -> None:
        stop = min(count, target.height - self._top)
        if not self._valid[:stop].any():
            return
        share = self._sums[:, :stop] / np.maximum(self._weights[:stop], 1e-12)
        values = encode_probability(share, self._valid[:stop])
        target.write(values, window=Window(self._left, self._top, values.shape[2], stop))
