"""The areas that a user drew: where everything is labelled, and what each is for."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from ...core.block_roles import HELD_OUT, TRAINING, read_role
from ...core.errors import InputError
from ..geodata.raster import Raster
from ..geodata.vector import read_layer
from .labels import read_polygons

_HINT = "Use training or held-out."


def read_areas(path: str, layer: str, raster: Raster) -> tuple[Any, Any]:
    """Return the training and the held-out ground of an area layer, in the raster's pixel coordinates.

    They are cut at the raster's border and may overlap. Raises InputError where a role is missing or unknown, or where
    one of the two has no ground on the raster.
    """
    content = read_layer(path, layer)
    clean = read_polygons(content, raster, f"The area layer {path}")
    polygons, origins = clean.polygons, clean.origins
    field = next((name for name in content.columns if name.lower() == "role"), None)
    if field is None:
        raise InputError(
            "The area layer has no field named role.", 'Add a text field "role" that says training or held-out.'
        )
    named = ["" if role is None else read_role(str(role)) for role in content.columns[field]]
    roles = np.array(named, dtype=object)[origins]
    if (roles == "").any():
        empty = len(np.unique(origins[roles == ""]))
        said = "1 area has" if empty == 1 else f"{empty} areas have"
        raise InputError(f"{said} no role.", 'Write "training" or "held-out" into the field "role" of each area.')
    unknown = sorted(set(roles.tolist()) - {TRAINING, HELD_OUT})
    if unknown:
        raise InputError(f'The role "{unknown[0]}" of an area is unknown.', _HINT)
    frame = shapely.box(0, 0, raster.width, raster.height)
    training, held_out = (shapely.union_all(polygons[roles == role]) & frame for role in (TRAINING, HELD_OUT))
    for role, ground in ((TRAINING, training), (HELD_OUT, held_out)):
        if ground.area == 0:
            raise InputError(f"There is no {role} area on the raster.", "Draw at least one area of each role on it.")
    return training, held_out
