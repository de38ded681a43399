"""Some of the labels, each with the imagery around it: what the checks look at instead of the whole raster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.windows import Window

from ..geodata.polygons import apply_affine
from ..geodata.raster import Raster, open_grid, read_window, regrid_raster
from ..geodata.vector import Geometries

_MOST = 400
_FINEST_M = 0.3
_LARGEST_M = 80.0
_REACH_M = 10.0
_FINER = 4
_LEAST_REACH_PX, _MOST_REACH_PX = 8, 40


@dataclass(frozen=True)
class LabelCrop:
    """One label and the imagery around it.

    ``label`` is the label's number, ``values`` (bands, height, width) are as the model reads them, ``valid`` tells
    where there is data. ``cover`` (0..1) is how much of each pixel the label covers; it lacks a margin, the looks'
    ``reach_px``, on every side.
    """

    label: int
    values: NDArray[np.float32]
    valid: NDArray[np.bool_]
    cover: NDArray[np.float32]

    @property
    def blank_share(self) -> float:
        """The share of the label that has nothing under it: no data, or one value all over."""
        margin = (self.valid.shape[0] - self.cover.shape[0]) // 2
        inner = (slice(None), *(slice(margin, margin + size) for size in self.cover.shape))
        if np.ptp(self.values[inner], axis=(1, 2)).max() == 0:
            return 1.0
        return self.void_share

    @property
    def void_share(self) -> float:
        """The share of the label under which the raster holds no data."""
        margin = (self.valid.shape[0] - self.cover.shape[0]) // 2
        inner = tuple(slice(margin, margin + size) for size in self.cover.shape)
        return float(1 - self.valid[inner][self.cover > 0].mean())


@dataclass(frozen=True)
class LabelCrops:
    """The looks, the ``raster`` on whose grid they were taken (none finer than 0.3 m), and how far they reach."""

    items: tuple[LabelCrop, ...]
    raster: Raster
    reach_px: int


def look_at_labels(raster: Raster, polygons: Geometries, seed: int, report: Callable[[float], None]) -> LabelCrops:
    """Look at up to 400 labels, drawn by the seed; ``report`` takes the share that is done and may raise to stop.

    Labels of a pixel or less, and those longer than 80 m, are left out. Raises RunError where the raster breaks off.
    """
    grid = regrid_raster(raster, _FINEST_M if raster.native_gsd_m < _FINEST_M else None)
    polygons = apply_affine(polygons, Affine.scale(grid.width / raster.width, grid.height / raster.height))
    reach_px = int(np.clip(round(_REACH_M / grid.gsd_m), _LEAST_REACH_PX, _MOST_REACH_PX))
    items = []
    with open_grid(grid) as dataset:
        chosen = _choose_labels(polygons, grid, seed)
        for done, number in enumerate(chosen, 1):
            window = _frame_label(polygons[number], reach_px)
            values, valid = read_window(dataset, grid, window)
            items.append(LabelCrop(int(number), values, valid, _draw_label(polygons[number], window, reach_px)))
            report(done / len(chosen))
    return LabelCrops(tuple(items), grid, reach_px)


def _choose_labels(polygons: Geometries, grid: Raster, seed: int) -> NDArray[np.int64]:
    left, top, right, bottom = shapely.bounds(polygons).T
    longest_m = np.maximum(right - left, bottom - top) * grid.gsd_m
    is_inside = (left >= 0) & (top >= 0) & (right <= grid.width) & (bottom <= grid.height)
    usable = np.flatnonzero((longest_m <= _LARGEST_M) & (shapely.area(polygons) > 1) & is_inside)
    count = min(_MOST, len(usable))
    return np.sort(np.random.default_rng(seed).choice(usable, count, replace=False))


def _frame_label(polygon: Any, reach_px: int) -> Window:
    left, top, right, bottom = shapely.bounds(polygon)
    margin = reach_px + 3
    first = np.floor([left, top]).astype(int) - margin
    size = np.ceil([right, bottom]).astype(int) + margin - first
    return Window(int(first[0]), int(first[1]), int(size[0]), int(size[1]))


def _draw_label(polygon: Any, window: Window, reach_px: int) -> NDArray[np.float32]:
    height, width = window.height - 2 * reach_px, window.width - 2 * reach_px
    frame = Affine.translation(window.col_off + reach_px, window.row_off + reach_px) @ Affine.scale(1 / _FINER)
    fine = rasterize([polygon], (height * _FINER, width * _FINER), transform=frame, dtype="uint8")
    return np.asarray(fine.reshape(height, _FINER, width, _FINER).mean(axis=(1, 3), dtype="float32"))
