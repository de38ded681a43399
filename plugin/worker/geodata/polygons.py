"""Polygons inside geometries of any kind, and affine transforms of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray

from .vector import SURFACES, Geometries


def apply_affine(geometries: Geometries | Iterable[Any], transform: Affine) -> Geometries:
    """Return geometries moved by an affine transform, e.g. from pixels to coordinates."""
    matrix = np.array([[transform.a, transform.d], [transform.b, transform.e]])
    moved = shapely.transform(np.asarray(geometries, dtype=object), lambda xy: xy @ matrix + (transform.c, transform.f))
    return np.asarray(moved, dtype=object)


def explode_polygons(geometries: Geometries | Iterable[Any]) -> tuple[Geometries, NDArray[np.int64]]:
    """Return every polygon with an area inside the geometries (collections too), and each one's place of origin."""
    parts, origins = list_parts(geometries)
    keep = shapely.area(parts) > 0
    return parts[keep], origins[keep]


def list_parts(geometries: Geometries | Iterable[Any]) -> tuple[Geometries, NDArray[np.int64]]:
    """Return every polygon inside the geometries, with an area or without, and each one's place of origin."""
    parts, origins = shapely.get_parts(np.asarray(geometries, dtype=object), return_index=True)
    while np.isin(shapely.get_type_id(parts), SURFACES[1:]).any():
        parts, inner = shapely.get_parts(parts, return_index=True)
        origins = origins[inner]
    keep = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    return np.asarray(parts[keep], dtype=object), np.asarray(origins[keep], dtype=np.int64)
