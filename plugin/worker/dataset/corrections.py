"""What a user checked and corrected: ground that is right as it stands, and the footprints on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ...core.block_roles import HELD_OUT, TRAINING, VALIDATION, read_role
from ...core.errors import OUTSIDE_RASTER, InputError
from ...core.events import ADVICE, WARNING, Finding
from ..geodata.polygons import explode_polygons, list_parts
from ..geodata.raster import Raster
from ..geodata.vector import Geometries, append_layer, read_layer
from .labels import Labels, read_labels, read_polygons
from .locate import count_things, locate_finding
from .split import Split

CHECK_MORE = (
    "Mark an area as checked where the model may learn: on the raster, outside the held-out and validation areas."
)
_FEW = 10
_LEAST_PX = 1.0


def read_checked(path: str, layer: str, raster: Raster) -> Any:
    """Return the checked ground on the raster, in its pixel coordinates, as one geometry.

    Where there is a field ``role``, it must say training. Raises InputError where no ground lies on the raster.
    """
    content = read_layer(path, layer) if path else None
    if content is None or len(content.geometries) == 0:
        raise InputError("No area is marked as checked.", CHECK_MORE)
    field = next((name for name in content.columns if name.lower() == "role"), None)
    if field is not None and {read_role(str(role or "")) for role in content.columns[field]} != {TRAINING}:
        raise InputError(
            "The checked area must have the role training.",
            'The earlier run sets the held-out area. Write "training" into the field "role", or leave the field out.',
        )
    polygons = read_polygons(content, raster, "The checked area").polygons
    frame = shapely.box(0, 0, raster.width, raster.height)
    checked = shapely.union_all(explode_polygons(shapely.intersection(polygons, frame))[0])
    if checked.area < _LEAST_PX:
        raise InputError("The checked area lies outside the raster.", CHECK_MORE, code=OUTSIDE_RASTER)
    return checked


def read_corrections(path: str, layer: str, raster: Raster) -> Labels:
    """Return the corrected footprints; there may be none, where checked ground holds no building.

    They are never moved: they were drawn where the buildings are seen. Raises InputError where they cannot be used.
    """
    if len(read_layer(path, layer).geometries) == 0:
        return Labels(np.array([], dtype=object))
    return read_labels(path, layer, raster)


def copy_polygons(source: str, path: Path, name: str, *, is_ground: bool) -> None:
    """Copy the features of a layer, named ``FILE|LAYER``, into a GeoPackage; checked ground has the role training.

    The user's file is left alone, and may change while the run goes on. What is invalid, of several parts or without an
    area is copied as it is: the run says what it does with it. Raises InputError where no feature is a polygon; the
    layer may be empty.
    """
    content = read_layer(source)
    count = len(content.geometries)
    if count and not len(list_parts(content.geometries)[0]):
        raise InputError(f"{source} holds no polygons.", "Choose a polygon layer: lines and points have no area.")
    columns: dict[str, NDArray[Any]] = {"feature": np.arange(count)}
    if is_ground:
        role = next((values for key, values in content.columns.items() if key.lower() == "role"), None)
        columns["role"] = np.full(count, TRAINING, dtype=object) if role is None else role
    path.unlink(missing_ok=True)
    append_layer(path, content.geometries, columns, content.crs, name, kind="Unknown")


def tell_corrections(
    checked: Any, fresh: Geometries, split: Split, count: int, raster: Raster
) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """Return notices and findings: how much of the checked ground is learnt from, and why the rest is not.

    ``fresh`` is the part that is learnt from, ``count`` how many footprints lie there.
    """
    learnt = _measure_m2(shapely.union_all(fresh), raster)
    notice = f"{learnt:,.0f} m² of the checked area are used for training, with {count} footprints in it."
    if count == 0:
        notice = f"{learnt:,.0f} m² of the checked area are used for training; there is no building in them."
    found = [
        *_tell_lost(checked, split, HELD_OUT, "the model is only scored there, and never learns from it.", raster),
        *_tell_lost(
            checked, split, VALIDATION, "thresholds are chosen there, and the model never learns from it.", raster
        ),
    ]
    near = shapely.difference(checked, shapely.union_all([*fresh, split.ground(HELD_OUT, VALIDATION)]))
    if near.area > 0.01 * checked.area:
        said = (
            f"{_measure_m2(near, raster):,.0f} m² of the checked area are not used for training: they lie within "
            f"{split.buffer_px * raster.gsd_m:.0f} m of the held-out or validation area, or in buildings that reach "
            "beyond the checked area."
        )
        found.append(_locate("checked_near", said, near, raster))
    if 0 < count < _FEW:
        said = count_things(
            count, "Only one footprint lies in the checked area.", "Only {} footprints lie in the checked area."
        )
        hint = "The model will change little: check a larger area, where the model makes the most errors."
        found.append(Finding("few_checked", WARNING, said, hint, count))
    return (notice,), tuple(found)


def _tell_lost(checked: Any, split: Split, role: str, why: str, raster: Raster) -> list[Finding]:
    lost = shapely.intersection(checked, split.ground(role))
    if lost.area < _LEAST_PX:
        return []
    said = f"{_measure_m2(lost, raster):,.0f} m² of the checked area lie in the {role} area: {why}"
    return [_locate(f"checked_{role.replace('-', '_')}", said, lost, raster)]


def _locate(kind: str, said: str, ground: Any, raster: Raster) -> Finding:
    parts = explode_polygons([ground])[0]
    hint = "You need not do anything. To teach the model more, check another area."
    return locate_finding(Finding(kind, ADVICE, said, hint, len(parts)), shapely.bounds(parts), raster)


def _measure_m2(ground: Any, raster: Raster) -> float:
    return float(ground.area * raster.scale.pixel_area_m2(ground.centroid.y)) if ground.area else 0.0
