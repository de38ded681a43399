"""What the network shall say of a window, made from the labels: footprint, boundary and contact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.windows import Window
from scipy.ndimage import maximum_filter, minimum_filter

from ...core.card import Card
from ..geodata.rasterize import PolygonIndex, frame_of
from ..geodata.vector import Geometries

_LEAST_BOUNDARY_PX = 3
_LEAST_CONTACT_PX = 2.0


@dataclass(frozen=True)
class Widths:
    """How wide what parts buildings is drawn, in pixels.

    ``boundary_px`` is the side of the square that must lie within a building around a pixel of its inside (3: a line of
    one pixel), ``contact_px`` the distance between two buildings up to which the ground between them is contact.
    """

    boundary_px: int
    contact_px: float


def choose_widths(card: Card, gsd_m: float) -> Widths:
    """Return the widths that a model learns, in pixels of the raster that it works on."""
    line = round(card.boundary_m / gsd_m)
    return Widths(max(_LEAST_BOUNDARY_PX, 2 * line + 1), max(_LEAST_CONTACT_PX, card.contact_m / gsd_m))


class Targets:
    """Footprint, boundary and contact of labels, drawn window by window."""

    def __init__(self, polygons: Geometries, widths: Widths) -> None:
        """Find the contacts and index everything."""
        self._footprints = PolygonIndex(polygons)
        self._contacts = PolygonIndex(find_contacts(polygons, widths.contact_px))
        self._width = widths.boundary_px
        self._numbers = np.arange(1, len(polygons) + 1)

    def draw(self, window: Window) -> NDArray[np.uint8]:
        """Return the channels of a window as 0 and 1, of the shape (3, height, width)."""
        return self.draw_frame(*frame_of(window))

    def draw_frame(self, frame: Affine, shape: tuple[int, int]) -> NDArray[np.uint8]:
        """Draw as ``draw`` does into pixels that ``frame`` takes to the labels' coordinates.

        Unlike SpaceNet's masks, touching buildings keep the boundary between them, and a contact reaches over the walls
        on both sides of it: this is where footprints must come apart.
        """
        pad = self._width // 2
        wide = (shape[0] + 2 * pad, shape[1] + 2 * pad)
        places = self._footprints.draw_frame(frame @ Affine.translation(-pad, -pad), wide, self._numbers)
        inner = (slice(pad, pad + shape[0]), slice(pad, pad + shape[1]))
        boundary = find_boundary(places, self._width)[inner]
        contact = self._contacts.draw_frame(frame, shape)
        return np.stack([places[inner] > 0, boundary, contact]).astype("uint8")


def find_boundary(places: NDArray[np.int32], width_px: int, *, is_outer: bool = False) -> NDArray[np.bool_]:
    """Return where the boundary of buildings runs, inside them or around them.

    ``places`` (height, width) holds each building's number, 0 for none: buildings with one number are melted. A pixel
    lies on the inner boundary where the square of ``width_px`` around it is not all of its own building, on the outer
    one where the square reaches a building but the pixel does not. Nothing is known beyond the window, and so no
    boundary is drawn along its edge (the rule of Solaris's boundary masks).
    """
    is_building = places > 0
    origin = 0 if width_px % 2 else -1  # the side on which Solaris lets an even square stick out
    highest = maximum_filter(places, width_px, mode="nearest", origin=origin)
    if is_outer:
        return np.asarray((highest > 0) & ~is_building)
    lowest = minimum_filter(places, width_px, mode="nearest", origin=origin)
    return np.asarray(is_building & (highest != lowest))


def find_contacts(polygons: Geometries, spacing_px: float) -> Geometries:
    """Return the ground within half of ``spacing_px`` of two polygons at once, a polygon for each such pair.

    This is how Solaris makes its contact masks, whose footprints are taken out afterwards.
    """
    wide = np.asarray(shapely.buffer(polygons, spacing_px / 2, quad_segs=16), dtype=object)
    firsts, seconds = shapely.STRtree(wide).query(wide, predicate="intersects")
    once = firsts < seconds
    shared = np.asarray(shapely.intersection(wide[firsts[once]], wide[seconds[once]]), dtype=object)
    return np.asarray(shared[shapely.area(shared) > 0], dtype=object)
