"""The split of an earlier run, as its ``split.gpkg`` holds it: what an improving run takes over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from ..core.errors import InputError
from ..core.roles import BLOCK_ROLES, LEFT_OUT, ROLES
from .labels import Labels, apply_affine
from .raster import Raster
from .split import Split, choose_buffer
from .vector import Geometries, Layer, read_layer

_NEAR_PX = 2.0
_HINT = "Improve the earlier run's model from that run's folder, as it stands."


@dataclass(frozen=True)
class Earlier:
    """Labels of an earlier run in the raster's pixel coordinates, and its split, whose ``label_roles`` are theirs."""

    labels: Geometries
    split: Split


def read_earlier(path: str, raster: Raster) -> Earlier:
    """Return the split of an earlier run; raises InputError where it cannot be read, or is of another raster."""
    grounds, labels = (_read(path, layer, raster) for layer in ("blocks", "labels"))
    roles = grounds.columns["role"].astype(object)
    numbers = grounds.columns["id"].astype(np.int64)
    is_ground = np.isin(roles.astype(str), ROLES)
    if set(roles[is_ground].tolist()) != set(ROLES):
        raise InputError(f"{path} does not hold the split of a run: a role has no ground.", _HINT)
    polygons = apply_affine(grounds.geometries, ~raster.transform)
    buildings = apply_affine(labels.geometries, ~raster.transform)
    whole, whole_roles = _join_blocks(polygons, numbers, grounds.columns["block_role"])
    buffers = grounds.columns.get("buffer_px")
    buffer_px = choose_buffer(Labels(buildings), raster) if buffers is None else float(buffers[0])
    split = Split(
        polygons[is_ground],
        roles[is_ground],
        buffer_px,
        labels.columns["role"].astype(object),
        numbers[is_ground],
        whole,
        whole_roles,
    )
    return Earlier(buildings, split)


def _read(path: str, layer: str, raster: Raster) -> Layer:
    """Return a layer of the split; raises InputError where its fields are not those, or it lies elsewhere."""
    content = read_layer(path, layer)
    fields = {"blocks": {"id", "role", "block_role"}, "labels": {"role"}}[layer]
    if len(content.geometries) == 0 or not fields <= set(content.columns):
        raise InputError(f"{path} does not hold the split of a run.", _HINT)
    left, top, right, bottom = shapely.total_bounds(apply_affine(content.geometries, ~raster.transform))
    beyond = max(-left, -top, right - raster.width, bottom - raster.height)
    if content.crs != raster.crs or (layer == "blocks" and beyond > _NEAR_PX):
        raise InputError(
            "The earlier run worked on another raster.", "Choose its raster: held-out ground is taken over from there."
        )
    return content


def _join_blocks(polygons: Geometries, numbers: np.ndarray, roles: np.ndarray) -> tuple[Geometries, np.ndarray]:
    """Return the blocks as they were cut, and their roles, by number; one of which nothing is left is empty."""
    whole = np.full(int(numbers.max()), shapely.Polygon(), dtype=object)
    whole_roles = np.full(len(whole), LEFT_OUT, dtype=object)
    for number in np.unique(numbers):
        whole[number - 1] = shapely.union_all(polygons[numbers == number])
        role = str(roles[numbers == number][0])
        whole_roles[number - 1] = role if role in BLOCK_ROLES else LEFT_OUT
    return whole, whole_roles
