"""Outlines of pixels, made simple, and parted where they would overlap."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ..geodata.shapes import has_stairs, is_square, measure_iou
from ..geodata.vector import Geometries
from .regularize import square_outlines

_RING_POINTS = 4
#: How far pixels may be from square before outlines are drawn in another frame.
_TRUE_TO_SHAPE = 0.02
#: By how many tolerances an outline with stairs is simplified further, and what IoU with its shape that may cost.
_FURTHER = (1.5, 2.0, 3.0)
_MOST_LOSS = 0.11
_TOUCH_PX2 = 1e-6
_REACH_PX = 16.0
#: At 0.25 m a pixel a little more than the last of seven digits of a degree.
_FIRM_PX = 1 / 16
_DRAWN_IN = 0.75  # a corner moves by up to 0.71 of the grid's step
#: How much of what cutting one out of the other would leave straight cuts must leave.
_STRAIGHT_SHARE = 0.9


class Outliner:
    """Draws the outlines of one batch of buildings after another, from the top of a raster to its bottom.

    What it returns is valid and does not overlap, within a batch and from one batch to the next. Right angles are such
    on the ground: ``axes`` are those of the raster's ``GroundScale``.
    """

    def __init__(self, tolerance_px: float, *, is_squared: bool, axes: NDArray[np.float64] | None = None) -> None:
        """Begin without neighbours."""
        self._tolerance_px, self._is_squared = tolerance_px, is_squared
        is_true = axes is None or np.allclose(axes.T @ axes, np.eye(2), atol=_TRUE_TO_SHAPE)
        self._axes = None if is_true else axes
        self._earlier: Geometries = np.array([], dtype=object)

    def draw(self, shapes: Geometries, confidence: NDArray[np.float64]) -> Geometries:
        """Return the outline of each raster shape, in the order given; one that others cover altogether is empty."""
        shapes, earlier = self._turn(shapes, self._axes), self._turn(self._earlier, self._axes)
        outlines = straighten_stairs(shapes, simplify_outlines(shapes, self._tolerance_px), self._tolerance_px)
        if self._is_squared and len(shapes):
            outlines = square_outlines(shapes, outlines, self._tolerance_px)
        outlines = part_outlines(outlines, confidence, earlier)
        outlines = self._turn(outlines, None if self._axes is None else np.linalg.inv(self._axes))
        outlines = firm_outlines(outlines)
        self._earlier = np.concatenate([self._earlier, outlines[~shapely.is_empty(outlines)]])
        return outlines

    @staticmethod
    def _turn(polygons: Geometries, axes: NDArray[np.float64] | None) -> Geometries:
        if axes is None:
            return polygons
        return np.asarray(shapely.transform(polygons, lambda xy: xy @ axes.T), dtype=object)

    def move_to(self, row: float, waiting: Geometries) -> None:
        """Forget the outlines that no later one can meet: all but those at ``row``, or at what goes on below it."""
        bounds = shapely.bounds(self._earlier)
        near = bounds[:, 3] >= row - _REACH_PX
        around = shapely.bounds(waiting) + np.array([-1, -1, 1, 1]) * _REACH_PX
        near[np.unique(shapely.STRtree(self._earlier).query(shapely.box(*around.T))[1])] = True
        self._earlier = self._earlier[near]


def part_outlines(outlines: Geometries, confidence: NDArray[np.float64], earlier: Geometries) -> Geometries:
    """Return the outlines without what they share; earlier ones stay as they are.

    Two with right angles share the ground that both would cover, else the surer one keeps it. One that lies in others
    altogether becomes empty.
    """
    order = np.argsort(-confidence, kind="stable")
    drawn = np.concatenate([earlier, outlines[order]])
    firsts, seconds = shapely.STRtree(drawn).query(drawn, predicate="intersects")
    firsts, seconds = firsts[firsts < seconds], seconds[firsts < seconds]
    overlaps = shapely.area(shapely.intersection(drawn[firsts], drawn[seconds])) > _TOUCH_PX2
    neighbours: dict[int, list[int]] = {}
    for first, second in zip(firsts[overlaps].tolist(), seconds[overlaps].tolist(), strict=True):
        neighbours.setdefault(second, []).append(first)
    for place in sorted(neighbours):
        for first in neighbours[place]:
            drawn[first], drawn[place] = _part_pair(drawn[first], drawn[place], is_fixed=first < len(earlier))
    parted = np.empty(len(outlines), dtype=object)
    parted[order] = drawn[len(earlier) :]
    return parted


def firm_outlines(outlines: Geometries) -> Geometries:
    """Return the outlines; those that nearly touch themselves are drawn in by as much, on a grid that does not show.

    So they stay valid in other coordinate systems and where a format rounds their coordinates, and overlap nothing.
    """
    firm = outlines.copy()
    for place in np.flatnonzero(shapely.minimum_clearance(outlines) < _FIRM_PX):
        inner = shapely.buffer(outlines[place], -_FIRM_PX * _DRAWN_IN, join_style="mitre")
        found = _keep_largest(shapely.set_precision(inner, _FIRM_PX))
        firm[place] = outlines[place] if found.is_empty else found
    return firm


def _part_pair(first: Any, second: Any, *, is_fixed: bool) -> tuple[Any, Any]:
    """Return two outlines without what they share; ``is_fixed`` leaves the first as it is.

    Straight cuts along their own walls keep right angles, half of the strip from each; where that would cost much more,
    the first is cut out of the second.
    """
    shared = shapely.intersection(first, second)
    if shared.area <= _TOUCH_PX2:
        return first, second
    rest = _keep_largest(shapely.difference(second, first))
    if not is_square(np.array([first, second], dtype=object)).all():
        return first, rest
    slim = _cut_straight(second, shared, 1.0 if is_fixed else 0.5)
    shared = shapely.intersection(first, slim)
    slim_first = first if shared.area <= _TOUCH_PX2 else _cut_straight(first, shared, 1.0)
    is_dear = slim.area + slim_first.area < _STRAIGHT_SHARE * (first.area + rest.area)
    return (first, rest) if is_dear or (is_fixed and slim_first is not first) else (slim_first, slim)


def _cut_straight(outline: Any, shared: Any, share: float) -> Any:
    """Return the outline without a strip along a side: a share of the thinnest that holds all of ``shared``."""
    corners = shapely.get_coordinates(outline.exterior)
    steps = np.diff(corners, axis=0)
    along = steps[np.argmax(np.hypot(*steps.T))]
    angle = float(np.degrees(np.arctan2(along[1], along[0])))
    turned, part = (shapely.affinity.rotate(each, -angle, origin=(0, 0)) for each in (outline, shared))
    left, top, right, bottom = turned.bounds
    near_left, near_top, near_right, near_bottom = part.bounds
    depths = np.array([near_right - left, right - near_left, near_bottom - top, bottom - near_top])
    sides = np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, -1]])
    thinnest = int(np.argmin(depths))
    kept = np.array([left, top, right, bottom]) + share * depths[thinnest] * sides[thinnest]
    rest = _keep_largest(shapely.intersection(turned, shapely.box(*kept)))
    return shapely.affinity.rotate(rest, angle, origin=(0, 0))


def _keep_largest(geometry: Any) -> Any:
    """Return the largest polygon in a geometry, an empty one where there is none."""
    parts = shapely.get_parts(shapely.make_valid(geometry))
    parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    return parts[np.argmax(shapely.area(parts))] if len(parts) else shapely.Polygon()


def simplify_outlines(polygons: Geometries, tolerance_px: float) -> Geometries:
    """Return the polygons with the corners that matter (Douglas and Peucker, 1973), ring by ring, always valid.

    A ring that would collapse, and a polygon that would become invalid, keep all their corners. GEOS's own way over
    whole polygons repairs each by a buffer, which takes minutes where a poor model gives one outline with thousands of
    holes.
    """
    rings, owners = shapely.get_rings(shapely.normalize(polygons), return_index=True)
    corners = _simplify_rings(rings, 0.0)
    exact = _build_polygons(corners, owners)
    slim = _build_polygons(_simplify_rings(corners, tolerance_px), owners)
    is_sound = shapely.is_valid(slim)
    slim[~is_sound] = exact[~is_sound]
    return slim


def straighten_stairs(shapes: Geometries, outlines: Geometries, tolerance_px: float) -> Geometries:
    """Return the outlines; those that still climb along pixels are simplified further, if they stay like the shape."""
    straight = outlines.copy()
    for further in _FURTHER:
        climbing = np.flatnonzero(has_stairs(straight))
        if len(climbing) == 0:
            break
        found = simplify_outlines(shapes[climbing], further * tolerance_px)
        least = measure_iou(shapes[climbing], outlines[climbing]) - _MOST_LOSS
        is_like = measure_iou(shapes[climbing], found) >= least
        straight[climbing[is_like]] = found[is_like]
    return straight


def _simplify_rings(rings: Geometries, tolerance_px: float) -> Geometries:
    slim = np.asarray(shapely.simplify(rings, tolerance_px, preserve_topology=False), dtype=object)
    is_collapsed = shapely.get_num_coordinates(slim) < _RING_POINTS
    slim[is_collapsed] = rings[is_collapsed]
    return slim


def _build_polygons(rings: Geometries, owners: NDArray[np.int64]) -> Geometries:
    """Return a polygon for each run of rings with one owner; the first ring is its shell."""
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    polygons = np.empty(len(starts), dtype=object)
    for i, members in enumerate(np.split(rings, starts[1:]) if len(starts) else []):
        polygons[i] = shapely.polygons(members[0], holes=members[1:] if len(members) > 1 else None)
    return polygons
