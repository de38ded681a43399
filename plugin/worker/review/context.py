"""What a finished run's folder says of its probability: where it lies, and how buildings are told in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import RasterioError

from ...core.card import SeparationParams
from ...core.errors import InputError
from ...core.folder import RunFolder
from ...core.live_view import Ready
from ...core.models import load_card
from ...core.report import ManualThreshold
from ...core.run_record import require_probability, require_reviewable
from ..geodata.crs import GroundScale, measure_ground
from ..polygons.vectorize import choose_tolerance
from ..report.manual_threshold import read_chosen

os.environ.setdefault("GDAL_CACHEMAX", "256")  # MB; GDAL's own choice, a twentieth of the machine, grows with it


@dataclass(frozen=True)
class ReviewContext:
    """A run's probability raster on its own grid; the imagery is not needed.

    ``separation`` and ``min_area_m2`` are those in force, ``chosen`` what the run itself had come to. A corner of an
    outline may move by ``simplify_px`` pixels of the grid.
    """

    folder: RunFolder
    separation: SeparationParams
    min_area_m2: float
    chosen: ManualThreshold
    width: int
    height: int
    crs: CRS
    transform: Affine
    scale: GroundScale
    simplify_px: float

    @property
    def path(self) -> Path:
        """The probability raster."""
        return self.folder.probability

    def describe(self) -> Ready:
        """Return what a reviewer wants to know first."""
        xs, ys = zip(*(self.transform @ corner for corner in self._list_corners()), strict=True)
        return Ready(
            threshold=self.separation.threshold,
            min_area_m2=self.min_area_m2,
            chosen_threshold=self.chosen.threshold,
            chosen_min_area_m2=self.chosen.min_area_m2,
            crs=self.crs.to_wkt(),
            gsd_m=round(self.scale.gsd_m, 4),
            bounds=(min(xs), min(ys), max(xs), max(ys)),
        )

    def _list_corners(self) -> list[tuple[int, int]]:
        return [(col, row) for col in (0, self.width) for row in (0, self.height)]


def open_scene(path: Path) -> ReviewContext:
    """Read a run's folder; raises InputError where it is none, is not whole or of another version."""
    record = require_reviewable(path)
    folder = record.folder
    require_probability(folder)
    card, chosen = load_card(folder.card), read_chosen(record.report)
    try:
        with rasterio.open(folder.probability) as dataset:
            width, height, crs, transform = dataset.width, dataset.height, dataset.crs, dataset.transform
    except RasterioError as error:
        raise InputError(
            f"The run in {path} cannot be read: {type(error).__name__}: {error}", "Run the job again."
        ) from error
    scale = measure_ground(crs, transform, width, height)
    native_m = record.report.raster.gsd_m or scale.gsd_m
    simplify_px = choose_tolerance(native_m, scale, record.report.job_settings.simplify_m)
    return ReviewContext(
        folder, card.separation, card.min_area_m2, chosen, width, height, crs, transform, scale, simplify_px
    )
