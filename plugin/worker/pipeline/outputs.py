"""Footprints and ground, written as GeoPackages in the raster's coordinate system."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ...core.atomic_file import replacing
from ...core.block_roles import BUFFER, LEFT_OUT, ROLES
from ...core.made_layers import ERRORS, FOOTPRINTS, SPLIT
from ..dataset.inputs import Inputs
from ..dataset.split import Split
from ..evaluation.heldout import Outcomes
from ..geodata.polygons import apply_affine, explode_polygons
from ..geodata.raster import Raster
from ..geodata.vector import Geometries, append_layer, list_layers, name_layer, read_layer, replacing_layer
from ..polygons.vectorize import Footprints
from ..runtime.progress import Progress


def write_footprints(
    path: Path,
    parts: Iterable[tuple[float, Footprints]],
    raster: Raster,
    progress: Progress,
    *,
    are_others_kept: bool = False,
) -> int:
    """Write footprints with ``confidence`` (0..1) and ``area_m2``, by a temporary name, and return their count.

    The layer is named after the file; other layers that the file has stay where ``are_others_kept``. Raises RunError
    where the file cannot be written, CancelRequested between two parts.
    """
    count, is_begun = 0, False
    with replacing_layer(path) if are_others_kept else replacing(path) as partial:
        for done, part in parts:
            columns = {"confidence": np.round(part.confidence, 4), "area_m2": np.round(part.area_m2, 2)}
            if len(part.polygons) or not is_begun:
                placed = apply_affine(part.polygons, raster.transform)
                append_layer(partial, placed, columns, raster.crs, name_layer(path), is_begun=is_begun, made=FOOTPRINTS)
                is_begun = True
            count += len(part.polygons)
            progress.report(done)
    return count


def write_split(path: Path, inputs: Inputs, split: Split) -> None:
    """Write the layers ``blocks`` and ``labels`` (as they were used, ``role`` of their ground); raises RunError.

    A feature of ``blocks`` is ground with its ``role``; or what the block lost to the buffer around other ground (role
    ``buffer``), or a whole block that is ``left-out``. ``id`` is the number of the block, ``block_role`` what it was
    drawn for, ``buildings`` how many labels count there, ``area_m2`` its area on the ground,
    ``origin`` is ``checked`` for ground that an improving run adds, ``buffer_px`` the split's buffer.
    """
    raster = inputs.raster
    parts = [*_list_ground(split, inputs.labels.polygons), *_list_rest(split)]
    polygons = np.array([polygon for polygon, _, _, _ in parts], dtype=object)
    areas_m2 = shapely.area(polygons) * raster.scale.pixel_area_m2(shapely.get_y(shapely.centroid(polygons)))
    numbers, roles, counts = (np.array([part[i] for part in parts]) for i in (1, 2, 3))
    columns = {
        "id": numbers,
        "role": roles,
        "block_role": split.whole_roles[numbers - 1].astype(str),
        "buildings": counts,
        "area_m2": np.round(areas_m2, 1),
        "origin": np.where(_find_fresh(split, parts), "checked", ""),
        "buffer_px": np.full(len(parts), split.buffer_px),
    }
    with replacing(path) as partial:
        append_layer(partial, apply_affine(polygons, raster.transform), columns, raster.crs, "blocks", made=SPLIT)
        placed = apply_affine(inputs.labels.polygons, raster.transform)
        append_layer(partial, placed, {"role": split.label_roles}, raster.crs, "labels", made=SPLIT)


def _find_fresh(split: Split, parts: list[tuple[Any, int, str, int]]) -> NDArray[np.bool_]:
    fresh = np.unique(split.numbers[split.is_fresh]) if len(split.is_fresh) else []
    return np.isin([number for _, number, _, _ in parts], fresh)


def write_outcomes(path: Path, outcomes: Mapping[str, Outcomes], raster: Raster) -> None:
    """Write a layer for each name in ``outcomes``, in the raster's coordinate system; other layers of the file stay.

    Raises RunError where the file cannot be written.
    """
    with replacing(path) as partial:
        known = list_layers(path) if path.exists() else []
        for layer in [name for name in known if name not in outcomes]:
            content = read_layer(str(path), layer)
            append_layer(partial, content.geometries, content.columns, raster.crs, layer, made=ERRORS)
        for layer, each in outcomes.items():
            placed = apply_affine(each.polygons, raster.transform)
            append_layer(partial, placed, each.columns, raster.crs, layer, made=ERRORS)


def _list_ground(split: Split, labels: Geometries) -> Iterator[tuple[Any, int, str, int]]:
    """Yield each piece of ground with its block's number, its role, and how many of the role's labels are nearest."""
    inside = shapely.point_on_surface(labels)
    counts = np.zeros(len(split.blocks), dtype=np.int64)
    for role in ROLES:
        own = np.flatnonzero(split.roles == role)
        nearest = shapely.STRtree(split.blocks[own]).nearest(inside[split.label_roles == role])
        np.add.at(counts, own[nearest], 1)
    yield from zip(split.blocks, split.numbers.tolist(), split.roles, counts.tolist(), strict=True)


def _list_rest(split: Split) -> Iterator[tuple[Any, int, str, int]]:
    """Yield what the blocks lost to the buffer, and those that are left out."""
    for number, (whole, role) in enumerate(zip(split.whole, split.whole_roles, strict=True), 1):
        rest = shapely.difference(whole, shapely.union_all(split.blocks[split.numbers == number]))
        shown = LEFT_OUT if role == LEFT_OUT else BUFFER
        yield from ((part, number, shown, 0) for part in explode_polygons([rest])[0] if part.area >= 1)
