"""Findings with their places on the map."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import shapely
from numpy.typing import NDArray

from ...core.events import Finding
from ..geodata.polygons import apply_affine
from ..geodata.raster import Raster

_MOST_PLACES = 200


def locate_finding(finding: Finding, bounds_px: NDArray[np.float64], raster: Raster) -> Finding:
    """Return the finding with the first 200 of the boxes (n, 4; pixels) in the raster's coordinate system."""
    boxes = apply_affine(shapely.box(*bounds_px[:_MOST_PLACES].T), raster.transform)
    code = raster.crs.to_authority()
    crs = ":".join(code) if code else raster.crs.to_wkt()
    return replace(finding, places=shapely.bounds(boxes).reshape(-1, 4).tolist(), crs=crs)


def count_things(count: int, one: str, many: str) -> str:
    """Return the sentence for one thing, or the one for ``{}`` things."""
    return one if count == 1 else many.format(count)
