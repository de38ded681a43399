"""The part of a raster that is asked for: a box or polygons in any coordinate system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from rasterio.crs import CRS
from rasterio.errors import CRSError

from ...core.errors import OUTSIDE_RASTER, InputError
from ..geodata.clean_polygons import clean_polygons
from ..geodata.crs import is_usable
from ..geodata.date_line import unwrap_geometries
from ..geodata.polygons import apply_affine, explode_polygons
from ..geodata.raster import Raster, to_pixels
from ..geodata.vector import read_layer, reproject_geometries

_PIECES = 64


@dataclass(frozen=True)
class AreaOfInterest:
    """Ground that is asked for: a ``box`` (xmin, ymin, xmax, ymax) in ``crs`` ("": the raster's), or a vector file."""

    box: tuple[float, float, float, float] | None = None
    crs: str = ""
    file: str = ""

    def locate(self, raster: Raster) -> Any:
        """Return the ground as a geometry in pixel coordinates, cut at the raster's border.

        Raises InputError where it is no ground, lies off the raster, or where the two coordinate systems have nothing
        to do with each other.
        """
        polygons, crs = self._read_file() if self.file else self._read_box(raster)
        return place_ground(polygons, crs, raster)

    def _read_box(self, raster: Raster) -> tuple[Any, CRS]:
        try:
            crs = CRS.from_user_input(self.crs) if self.crs else raster.crs
        except (CRSError, ValueError) as error:
            raise InputError(
                f"The coordinate system {self.crs} is not understood: {error}", "Name it as in EPSG:4326."
            ) from error
        left, bottom, right, top = self.box or (0.0, 0.0, 0.0, 0.0)
        if not (np.isfinite([left, bottom, right, top]).all() and left < right and bottom < top):
            raise InputError("The box has no area.", "Give it as XMIN YMIN XMAX YMAX.")
        return shapely.box(left, bottom, right, top), crs

    def _read_file(self) -> tuple[Any, CRS]:
        path, content = self.file, read_layer(self.file)
        if content.crs is None:
            raise InputError(
                f"The area layer {path} has no coordinate system.",
                "Set it (Layer > Set CRS of Layer(s)) and try again.",
            )
        whole = unwrap_geometries(content.geometries, content.crs)
        polygons = clean_polygons(whole, content.is_mended).polygons
        if len(polygons) == 0:
            raise InputError(
                f"The area layer {path} holds no polygon with an area.", "Draw an area, or choose another layer."
            )
        return shapely.union_all(polygons), content.crs


def place_ground(polygons: Any, crs: CRS, raster: Raster) -> Any:
    """Return ground of any coordinate system in the raster's pixels, cut at its border; raises InputError as above.

    It is cut before it is moved, so that ground which reaches where the raster's system has no places can be used.
    """
    frame = shapely.segmentize(
        shapely.box(0, 0, raster.width, raster.height), max(raster.width, raster.height) / _PIECES
    )
    there = apply_affine([frame], raster.transform)
    if is_usable(crs):
        there = reproject_geometries(there, raster.crs, crs)
    if not is_usable(crs) or shapely.is_missing(there[0]):
        raise InputError(
            "The area's coordinate system does not cover the raster.",
            "Choose another one for the map (Project > Properties > CRS) or for the layer.",
        )
    parts = explode_polygons([polygons])[0]
    near = unwrap_geometries(parts, crs, float(shapely.get_x(shapely.centroid(there[0]))))
    cut = shapely.make_valid(there[0]) & shapely.union_all(near)
    if cut.is_empty or cut.area == 0:
        raise InputError(
            "The area lies outside the raster.",
            "Draw it, or move the map, to where the raster is (right-click the layer > Zoom to Layer).",
            code=OUTSIDE_RASTER,
        )
    step = max(np.ptp(np.reshape(shapely.bounds(there[0]), (2, 2)), axis=0)) / _PIECES
    moved = to_pixels(np.array([shapely.segmentize(cut, step)], dtype=object), crs, raster)
    ground = shapely.union_all(explode_polygons(shapely.make_valid(moved))[0]) & frame
    if ground.area == 0:
        raise InputError("The area lies outside the raster.", "Draw it where the raster is.", code=OUTSIDE_RASTER)
    return ground
