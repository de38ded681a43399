"""Right angles: footprints that look like buildings, where that costs no likeness to what was found."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from ..geodata.shapes import has_stairs, measure_iou
from ..geodata.vector import Geometries
from .right_angles import draw_right_angles, find_main_angle

#: How much of its IoU with its raster shape a squared outline may lose, and what it must keep. Measured with the
#: tolerance of 1.25 pixels on ten places: from 0.09 on F1 falls.
MOST_LOSS = 0.08
LEAST_IOU = 0.7
#: How much better than a plain rectangle a shape with more corners must fit.
_CORNERS_WORTH = 0.04
#: How long a wall must be, in tolerances.
_LEAST_WALL = 2.0


def square_outlines(shapes: Geometries, outlines: Geometries, tolerance_px: float) -> Geometries:
    """Return each outline with right angles, or as it is where that would be less like its raster shape.

    Of the rectangle that fits best and the outline with its edges turned to the main direction, the one that fits
    better is taken, the rectangle where they are nearly alike.
    """
    before = measure_iou(shapes, outlines)
    rectangles, of_rectangle = fit_rectangles(shapes)
    angled, of_angled = fit_right_angles(shapes, outlines, _LEAST_WALL * tolerance_px)
    is_rectangle = of_rectangle + _CORNERS_WORTH >= of_angled
    squared = np.where(is_rectangle, rectangles, angled)
    after = np.where(is_rectangle, of_rectangle, of_angled)
    is_like = after >= np.maximum(before - MOST_LOSS, LEAST_IOU)
    return np.asarray(np.where(is_like, squared, outlines), dtype=object)


def fit_right_angles(shapes: Geometries, outlines: Geometries, least: float) -> tuple[Geometries, NDArray[np.float64]]:
    """Return each outline with right angles and walls of at least ``least`` pixels, and its IoU with the shape.

    Tried are the main direction of its edges and that of the narrowest box around the shape. None, with an IoU of 0,
    where there is none without stairs.
    """
    boxes = shapely.minimum_rotated_rectangle(shapes)
    angles = [[find_main_angle(outline) for outline in outlines], [find_main_angle(box) for box in boxes]]
    candidates = [
        np.array([draw_right_angles(*each, least) for each in zip(outlines, own, strict=True)], dtype=object)
        for own in angles
    ]
    for each in candidates:
        each[has_stairs(each)] = None
    overlaps = np.array([measure_iou(shapes, each) for each in candidates])
    return np.choose(overlaps.argmax(axis=0), candidates), overlaps.max(axis=0)


def fit_rectangles(shapes: Geometries) -> tuple[Geometries, NDArray[np.float64]]:
    """Return the rectangle of each shape's area that fits it best, and their IoU.

    Tried are the narrowest box around the shape, scaled, and rectangles with the shape's centre and second moments,
    along that box and along the shape's own axis.
    """
    boxes = np.asarray(shapely.minimum_rotated_rectangle(shapes), dtype=object)
    areas = shapely.area(shapes)
    centres, moments = measure_moments(shapes)
    corners = np.array([shapely.get_coordinates(box)[:2] for box in boxes]).reshape(len(shapes), 2, 2)
    along = corners[:, 1] - corners[:, 0]
    box_angles = np.arctan2(along[:, 1], along[:, 0])
    own_angles = 0.5 * np.arctan2(2 * moments[:, 1], moments[:, 0] - moments[:, 2])
    scales = np.sqrt(areas / np.maximum(shapely.area(boxes), 1e-12))
    scaled = [shapely.affinity.scale(box, by, by, origin="centroid") for box, by in zip(boxes, scales, strict=True)]
    candidates = [
        np.array(scaled, dtype=object),
        *(_draw_rectangles(centres, moments, areas, angles) for angles in (box_angles, own_angles)),
    ]
    overlaps = np.array([measure_iou(shapes, each) for each in candidates])
    best = overlaps.argmax(axis=0)
    return np.choose(best, candidates), overlaps.max(axis=0)


def measure_moments(shapes: Geometries) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each polygon's centre (n, 2) and central second moments by its area: xx, xy, yy (n, 3).

    By Green's theorem, ring by ring; the rings of holes run the other way round and count negative.
    """
    oriented = shapely.orient_polygons(shapes)
    rings, owners = shapely.get_rings(oriented, return_index=True)
    points, places = shapely.get_coordinates(rings, return_index=True)
    centres = shapely.get_coordinates(shapely.centroid(shapes))
    points = points - centres[owners[places]]
    is_step = places[1:] == places[:-1]
    (x, y), (u, v) = points[:-1][is_step].T, points[1:][is_step].T
    cross = x * v - u * y
    parts = (cross * (x * x + x * u + u * u), cross * (x * v + 2 * x * y + 2 * u * v + u * y) / 2,
             cross * (y * y + y * v + v * v))  # fmt: skip
    belongs = owners[places[:-1][is_step]]
    sums = [np.bincount(belongs, part, len(shapes)) / 12 for part in parts]
    return centres, np.column_stack(sums) / np.maximum(shapely.area(shapes), 1e-12)[:, None]


def _draw_rectangles(
    centres: NDArray[np.float64], moments: NDArray[np.float64], areas: NDArray[np.float64], angles: NDArray[np.float64]
) -> Geometries:
    """Return rectangles of those areas along those angles, as long to wide as the moments say."""
    cosine, sine = np.cos(angles), np.sin(angles)
    xx, xy, yy = moments.T
    along = cosine**2 * xx + 2 * cosine * sine * xy + sine**2 * yy
    across = sine**2 * xx - 2 * cosine * sine * xy + cosine**2 * yy
    ratio = np.sqrt(np.maximum(along, 1e-9) / np.maximum(across, 1e-9))
    length, width = np.sqrt(areas * ratio), np.sqrt(areas / ratio)
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) / 2
    sides = signs[None] * np.column_stack([length, width])[:, None]
    turned = np.stack([sides[..., 0] * cosine[:, None] - sides[..., 1] * sine[:, None],
                       sides[..., 0] * sine[:, None] + sides[..., 1] * cosine[:, None]], axis=-1)  # fmt: skip
    return np.asarray(shapely.polygons(turned + centres[:, None]), dtype=object)
