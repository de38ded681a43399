"""An outline turned into walls that stand at right angles: its edges along two directions, in turn."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

_LEAST_WALLS = 4


def draw_right_angles(outline: Any, angle: float, least: float) -> Any:
    """Return a polygon with all its walls along ``angle`` (radians) or across it; None where that is not valid.

    Neighbouring edges of one direction become one wall, at their mean by length. Walls shorter than ``least`` go, the
    shortest first.
    """
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    rings = []
    for ring in (outline.exterior, *outline.interiors):
        corners = _square_ring(shapely.get_coordinates(ring)[:-1] @ turn, least)
        if corners is not None:
            rings.append(corners @ turn.T)
        elif not rings:
            return None
    squared = shapely.Polygon(rings[0], rings[1:])
    return squared if squared.is_valid and squared.area > 0 else None


def find_main_angle(outline: Any) -> float:
    """Return the direction (radians) along or across which most of the outline's length runs."""
    steps = np.diff(shapely.get_coordinates(outline.exterior), axis=0)
    turns = np.exp(4j * np.arctan2(steps[:, 1], steps[:, 0]))  # the same for all directions at right angles
    return float(np.angle(((steps**2).sum(axis=1) * turns).sum()) / 4)


def _square_ring(corners: NDArray[np.float64], least: float) -> NDArray[np.float64] | None:
    """Return the corners of a ring whose edges run along x and y in turn, None where fewer than four would be left."""
    steps = np.roll(corners, -1, axis=0) - corners
    is_upright = np.abs(steps[:, 1]) > np.abs(steps[:, 0])
    begins = np.flatnonzero(is_upright != np.roll(is_upright, 1))
    if len(begins) < _LEAST_WALLS:
        return None
    wall = np.cumsum(np.isin(np.arange(len(corners)), begins)) - 1  # -1: the last wall goes on at the beginning
    lengths = np.abs(np.where(is_upright, steps[:, 1], steps[:, 0]))
    middles = np.where(is_upright, corners[:, 0] + steps[:, 0] / 2, corners[:, 1] + steps[:, 1] / 2)
    weights = np.bincount(wall % len(begins), lengths)
    places = np.bincount(wall % len(begins), lengths * middles) / np.maximum(weights, 1e-12)
    first_upright = bool(is_upright[begins[0]])
    places, first_upright = _drop_short(places, weights, first_upright, least)
    following = np.roll(places, -1)
    upright = (np.arange(len(places)) % 2 == 0) == first_upright
    return np.column_stack([np.where(upright, places, following), np.where(upright, following, places)])


def _drop_short(
    places: NDArray[np.float64], weights: NDArray[np.float64], first_upright: bool, least: float
) -> tuple[NDArray[np.float64], bool]:
    """Return the places of the walls without the short ones, and whether the first of them is upright.

    The neighbours of a wall that goes become one, at their mean by length.
    """
    while len(places) > _LEAST_WALLS:
        lengths = np.abs(np.roll(places, -1) - np.roll(places, 1))
        shortest = int(lengths.argmin())
        if lengths[shortest] >= least:
            break
        turned = 1 - shortest  # so that the walls are: neighbour, the shortest, neighbour, ...
        places, weights = np.roll(places, turned), np.roll(weights, turned)
        first_upright ^= bool(turned % 2)
        weight = weights[0] + weights[2]
        place = (places[0] * weights[0] + places[2] * weights[2]) / max(weight, 1e-12)
        places, weights = np.array([place, *places[3:]]), np.array([weight, *weights[3:]])
    return places, first_upright
