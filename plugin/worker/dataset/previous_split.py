"""What an improving run takes over from an earlier one: its split, as ``split.gpkg`` holds it, and its report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ...core.block_roles import BLOCK_ROLES, LEFT_OUT, ROLES
from ...core.errors import InputError
from ...core.folder import RunFolder
from ...core.report import RasterFacts, Report, read_report
from ..geodata.polygons import apply_affine, explode_polygons
from ..geodata.raster import Raster
from ..geodata.vector import Geometries, Layer, read_layer
from .labels import Labels
from .split import Split, choose_buffer

_NEAR_PX = 2.0
_DIGITS = 6  # of a pixel: coordinates that were whole pixels are whole again, and taking them over twice moves nothing
_HINT = "Improve the earlier run's model from that run's folder, as it stands."


@dataclass(frozen=True)
class Earlier:
    """Labels of an earlier run in the raster's pixel coordinates, and its split, whose ``label_roles`` are theirs."""

    labels: Geometries
    split: Split


def read_earlier_report(earlier: str) -> Report:
    """Return the report that lies beside a job's ``earlier``; raises InputError where it cannot be used."""
    return read_report(RunFolder(Path(earlier).parent).earlier_report)


def read_earlier(path: str, raster: Raster) -> Earlier:
    """Return the split of an earlier run; raises InputError where it cannot be read, or is of another raster."""
    _refuse_other_raster(read_earlier_report(path).raster, raster)
    grounds, labels = (_read(path, layer, raster) for layer in ("blocks", "labels"))
    roles = grounds.columns["role"].astype(object)
    numbers = grounds.columns["id"].astype(np.int64)
    is_ground = np.isin(roles.astype(str), ROLES)
    if set(roles[is_ground].tolist()) != set(ROLES):
        raise InputError(f"{path} does not hold the split of a run: a role has no blocks.", _HINT)
    whole, whole_roles = _join_blocks(grounds.geometries, numbers, grounds.columns["block_role"])
    buffers = grounds.columns.get("buffer_px")
    buffer_px = choose_buffer(Labels(labels.geometries), raster) if buffers is None else float(buffers[0])
    split = Split(
        grounds.geometries[is_ground],
        roles[is_ground],
        buffer_px,
        np.array([role or "" for role in labels.columns["role"]], dtype=object),
        numbers[is_ground],
        whole,
        whole_roles,
    )
    return Earlier(labels.geometries, split)


def _refuse_other_raster(known: RasterFacts, raster: Raster) -> None:
    """Raise InputError unless the earlier run worked on the same grid, as far as its report tells."""
    size, transform = known.working_size_px, known.transform or raster.transform[:6]
    pixel = abs(raster.transform.determinant) ** 0.5
    is_same = size == (raster.width, raster.height) and known.crs == raster.crs.to_string()
    if is_same and np.abs(np.subtract(transform, raster.transform[:6])).max() < 0.01 * pixel:
        return
    told = f" ({size[0]} x {size[1]} pixels, {known.crs})" if size else ""
    raise InputError(
        f"The earlier run used another raster{told}; this one has {raster.width} x {raster.height} pixels, "
        f"{raster.crs.to_string()}.",
        "Choose its raster: the new run keeps its held-out area.",
    )


def _read(path: str, layer: str, raster: Raster) -> Layer:
    """Return a layer of the split in pixel coordinates.

    Raises InputError where its fields are not those of a split, or where it lies beyond the raster.
    """
    content = read_layer(path, layer)
    fields = {"blocks": {"id", "role", "block_role"}, "labels": {"role"}}[layer]
    if len(content.geometries) == 0 or not fields <= set(content.columns):
        raise InputError(f"{path} does not hold the split of a run.", _HINT)
    polygons = _round(apply_affine(content.geometries, ~raster.transform))
    left, top, right, bottom = shapely.total_bounds(polygons)
    beyond = max(-left, -top, right - raster.width, bottom - raster.height)
    if content.crs != raster.crs or (layer == "blocks" and beyond > _NEAR_PX):
        raise InputError(
            "The earlier run used another raster: its blocks do not lie on this one.",
            "Choose its raster: the new run keeps its held-out area.",
        )
    return Layer(polygons, content.columns, content.crs)


def _round(polygons: Geometries) -> Geometries:
    """Return the polygons with rounded coordinates; of one that crosses itself then, by a hair, the largest part."""
    rounded = np.asarray(shapely.transform(polygons, lambda xy: np.round(xy, _DIGITS)), dtype=object)
    for place in np.flatnonzero(~shapely.is_valid(rounded)):
        parts = explode_polygons([shapely.make_valid(rounded[place])])[0]
        rounded[place] = max(parts, key=lambda part: float(part.area), default=shapely.Polygon())
    return rounded


def _join_blocks(
    polygons: Geometries, numbers: NDArray[np.int64], roles: NDArray[Any]
) -> tuple[Geometries, NDArray[np.object_]]:
    """Return the blocks as they were cut, and their roles, by number; one of which nothing is left is empty."""
    whole = np.full(int(numbers.max()), shapely.Polygon(), dtype=object)
    whole_roles = np.full(len(whole), LEFT_OUT, dtype=object)
    for number in np.unique(numbers):
        whole[number - 1] = shapely.union_all(polygons[numbers == number])
        role = str(roles[numbers == number][0])
        whole_roles[number - 1] = role if role in BLOCK_ROLES else LEFT_OUT
    return whole, whole_roles
