"""Two layers that have no ground in common: their score is 0, and more likely than not by a mistake."""

from __future__ import annotations

import numpy as np
import shapely

from ..geodata.crs import measure_units_m2
from ..geodata.vector import Layer


def describe_gap(truth: Layer, found: Layer) -> tuple[str, ...]:
    """Return in a sentence how far two layers of one coordinate system lie apart, nothing where their extents meet."""
    layers = [layer.geometries for layer in (truth, found)]
    boxes = [shapely.total_bounds(geometries) for geometries in layers if len(geometries)]
    if len(boxes) < len(layers) or not np.isfinite(boxes).all():
        return ()
    first, second = (shapely.box(*box) for box in boxes)
    if shapely.intersects(first, second):
        return ()
    said = "No label touches a footprint"
    if truth.crs is None:
        return (f"{said}: choose files of the same place.",)
    middle = shapely.line_interpolate_point(shapely.shortest_line(first, second), 0.5, normalized=True)
    unit_m2 = measure_units_m2(truth.crs, np.array([middle.x]), np.array([middle.y]))[0]
    km = float(first.distance(second) * np.sqrt(unit_m2)) / 1000
    hint = "Choose files of the same place, and check their coordinate systems."
    if shapely.intersects(shapely.transform(first, lambda xy: xy[:, ::-1]), second):
        hint = "The x and y of one of them are exchanged: use Processing > Swap X and Y coordinates."
    return (f"{said}: they lie about {km:.1f} km apart. {hint}",) if np.isfinite(km) else (f"{said}. {hint}",)
