"""Footprints and ground, written as GeoPackages in the raster's coordinate system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from ..core.replace import replacing
from .check import Inputs
from .exam import Outcomes
from .labels import apply_affine
from .raster import Raster
from .split import Split
from .trace import Footprints
from .vector import append_layer, list_layers, read_layer
from .wire import Wire


def write_footprints(path: Path, parts: Iterable[tuple[float, Footprints]], raster: Raster, wire: Wire) -> int:
    """Write footprints with ``confidence`` (0..1) and ``area_m2``, by a temporary name, and return their count.

    Raises RunError where the file cannot be written, CancelRequested between two parts.
    """
    count = 0
    with replacing(path) as partial:
        for done, part in parts:
            columns = {"confidence": np.round(part.confidence, 4), "area_m2": np.round(part.area_m2, 2)}
            if len(part.polygons) or not partial.exists():
                append_layer(partial, apply_affine(part.polygons, raster.transform), columns, raster.crs, path.stem)
            count += len(part.polygons)
            wire.tell(done)
    return count


def write_split(path: Path, inputs: Inputs, split: Split) -> None:
    """Write the layers ``blocks`` (ground, ``role``) and ``labels`` (as they were used, ``role`` of their ground)."""
    raster = inputs.raster
    layers = (("blocks", split.blocks, split.roles), ("labels", inputs.labels.polygons, split.label_roles))
    with replacing(path) as partial:
        for layer, polygons, roles in layers:
            append_layer(partial, apply_affine(polygons, raster.transform), {"role": roles}, raster.crs, layer)


def write_outcomes(path: Path, outcomes: Mapping[str, Outcomes], raster: Raster) -> None:
    """Write a layer for each name in ``outcomes``, in the raster's coordinate system; other layers of the file stay.

    Raises RunError where the file cannot be written.
    """
    with replacing(path) as partial:
        known = list_layers(path) if path.exists() else []
        for layer in [name for name in known if name not in outcomes]:
            content = read_layer(str(path), layer)
            append_layer(partial, content.geometries, content.columns, raster.crs, layer)
        for layer, each in outcomes.items():
            append_layer(partial, apply_affine(each.polygons, raster.transform), each.columns, raster.crs, layer)
