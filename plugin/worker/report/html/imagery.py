"""A piece of the raster as an embedded picture, and polygons drawn over it."""

from __future__ import annotations

import base64
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import DatasetReader, MemoryFile
from rasterio.windows import Window

from ...geodata.nodata import DataRule, describe_vrt, survey_values
from ...geodata.normalization import measure_stretch
from ...geodata.polygons import apply_affine
from ...geodata.vector import Geometries
from ...geodata.windows import place_window

#: Every picture is drawn as if it were so many pixels wide.
WIDTH = 640.0
_QUALITY = 82
_EMPTY = 235


@dataclass(frozen=True)
class Imagery:
    """A piece of a raster: ``source`` is a data URI, ``to_picture`` takes the raster's coordinates to the picture's.

    ``height`` is the picture's where its width is ``WIDTH``; ``frame`` is the ground it shows, in the raster's CRS.
    """

    source: str
    height: float
    to_picture: Affine
    frame: shapely.Polygon

    def find_middle(self, frame: tuple[float, float, float, float]) -> tuple[float, float]:
        """Return where the middle of (left, bottom, right, top) lies on the picture."""
        left, bottom, right, top = frame
        x, y = self.to_picture @ ((left + right) / 2, (bottom + top) / 2)
        return float(x), float(y)

    def trace(self, polygons: Geometries) -> str:
        """Return the path of all polygons that lie on the picture, "" for none."""
        polygons = polygons[shapely.intersects(self.frame, polygons)]
        moved = shapely.simplify(apply_affine(polygons, self.to_picture), 0.4)
        rings = (shapely.get_coordinates(ring)[:-1] for ring in shapely.get_rings(moved))
        return "".join("M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in ring) + "Z" for ring in rings)


@dataclass(frozen=True)
class View:
    """How a raster is looked at: up to three ``bands`` counted from 1, and what of each is black and white.

    ``rule`` says which values are data, where the file's own masks do not do (None: they do).
    """

    bands: tuple[int, ...]
    limits: tuple[tuple[float, float], ...]
    rule: DataRule | None = None


def choose_view(dataset: DatasetReader, bands: Sequence[int]) -> View:
    """Return the view with the bands that the model read; raises InputError for a band without data."""
    known = [band for band in bands if 1 <= band <= dataset.count] or [1]
    shown = tuple(known[:3]) if len(known) >= 3 else (known[0],)
    survey = survey_values(dataset, shown)
    return View(shown, measure_stretch(dataset, shown, survey), survey.rule if survey.is_mended else None)


def take_imagery(dataset: DatasetReader, view: View, ground: tuple[float, ...], most_px: int) -> Imagery | None:
    """Return the imagery of (left, bottom, right, top), at most ``most_px`` wide or high; None beyond the raster."""
    window = _find_window(dataset, ground)
    if window is None:
        return None
    shrink = max(1.0, window.width / most_px, window.height / most_px)
    shape = max(1, round(window.height / shrink)), max(1, round(window.width / shrink))
    values, valid = _read(dataset, view, window, shape)
    low, high = (np.array(limit, dtype="float32")[:, None, None] for limit in zip(*view.limits, strict=True))
    with np.errstate(invalid="ignore"):
        bright = np.clip((values - low) / np.maximum(high - low, 1e-9), 0, 1) * 255
    bright = np.where(valid & np.isfinite(bright), bright, _EMPTY)
    to_crs = dataset.transform @ Affine.translation(window.col_off, window.row_off) @ Affine.scale(window.width / WIDTH)
    height = WIDTH * window.height / window.width
    corners = [to_crs @ corner for corner in ((0, 0), (WIDTH, 0), (WIDTH, height), (0, height))]
    return Imagery(_encode(np.rint(bright).astype("uint8")), height, ~to_crs, shapely.Polygon(corners))


def _read(
    dataset: DatasetReader, view: View, window: Window, shape: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the view's bands of a window, averaged to the shape, and where they hold data."""
    if view.rule is None:
        how = {"window": window, "out_shape": (len(view.bands), *shape)}
        values = dataset.read(list(view.bands), resampling=Resampling.average, **how).astype("float32")
        return values, dataset.dataset_mask(window=window, out_shape=shape) > 0
    with rasterio.open(describe_vrt(dataset, view.rule)) as mended:
        read = mended.read(window=window, out_shape=(mended.count, *shape), resampling=Resampling.average)
    values, _, valid = view.rule.judge(read, place_window(dataset, window))
    return values[[view.rule.bands.index(band) for band in view.bands]], valid


def _find_window(dataset: DatasetReader, ground: tuple[float, ...]) -> Window | None:
    left, bottom, right, top = ground
    corners = np.array(
        [~dataset.transform @ corner for corner in ((left, top), (right, top), (left, bottom), (right, bottom))]
    )
    first = np.maximum(np.floor(corners.min(axis=0)), 0)
    last = np.minimum(np.ceil(corners.max(axis=0)), (dataset.width, dataset.height))
    if not (last > first).all():
        return None
    return Window(*(int(value) for value in (*first, *(last - first))))


def _encode(values: NDArray[np.uint8]) -> str:
    """Return bands (1 or 3, height, width) as a JPEG in a data URI."""
    count, height, width = values.shape
    with MemoryFile() as memory, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        options = {"count": count, "height": height, "width": width, "dtype": "uint8", "QUALITY": _QUALITY}
        with memory.open(driver="JPEG", **options) as target:
            target.write(values)
        return "data:image/jpeg;base64," + base64.b64encode(memory.read()).decode("ascii")
