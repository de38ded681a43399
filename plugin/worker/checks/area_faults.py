"""What can be said of areas that can be used: where they overlap, reach off the raster, or hold no label."""

from __future__ import annotations

import numpy as np
import shapely

from ...core.events import ADVICE, WARNING, Finding
from ..dataset.labels import read_polygons
from ..dataset.locate import count_things, locate_finding
from ..geodata.clean_polygons import CleanPolygons, describe_done
from ..geodata.raster import Raster
from ..geodata.vector import Geometries, read_layer

_LEAST_PX = 1.0


def find_area_faults(path: str, layer: str, raster: Raster, labels: Geometries) -> list[Finding]:
    """Return what is to be said of the areas; raises InputError where they cannot be read.

    ``labels`` are in the raster's pixels.
    """
    clean = read_polygons(read_layer(path, layer), raster, f"The area layer {path}")
    areas, origins = clean.polygons, clean.origins
    return [
        *_find_done(clean, raster),
        *_find_overlaps(areas, origins, raster),
        *_find_outside(areas, raster),
        *_find_empty(areas, raster, labels),
    ]


def _find_done(clean: CleanPolygons, raster: Raster) -> list[Finding]:
    """Tell of areas that were invalid, and of those without an area."""
    found = []
    for name, marked in (("repaired", clean.is_repaired), ("dropped", clean.is_dropped)):
        count = int(marked.sum())
        if count:
            hint = "To repair the layer itself, use Processing > Fix geometries."
            finding = Finding(f"areas_{name}", ADVICE, describe_done(name, count, "area"), hint, count)
            bounds = shapely.bounds(clean.polygons[marked[clean.origins]])
            found.append(locate_finding(finding, bounds, raster))
    return found


def _find_overlaps(areas: Geometries, origins: np.ndarray, raster: Raster) -> list[Finding]:
    first, second = shapely.STRtree(areas).query(areas, predicate="intersects")
    is_pair = origins[first] < origins[second]
    shared = shapely.intersection(areas[first[is_pair]], areas[second[is_pair]])
    shared = shared[shapely.area(shared) >= _LEAST_PX]
    if len(shared) == 0:
        return []
    sentence = count_things(len(shared), "Two areas overlap.", "{} pairs of areas overlap.")
    hint = "The overlap of a training area and a held-out area is held out: redraw them side by side."
    finding = Finding("areas_overlap", WARNING, sentence, hint, len(shared))
    return [locate_finding(finding, shapely.bounds(shared), raster)]


def _find_outside(areas: Geometries, raster: Raster) -> list[Finding]:
    frame = shapely.box(0, 0, raster.width, raster.height)
    is_off = shapely.area(shapely.intersection(areas, frame)) < shapely.area(areas) - _LEAST_PX
    count = int(is_off.sum())
    if count == 0:
        return []
    sentence = count_things(count, "One area reaches beyond the raster.", "{} areas reach beyond the raster.")
    hint = "Only the part on the raster counts: if you meant that, you need not do anything."
    finding = Finding("areas_outside", ADVICE, sentence, hint, count)
    return [locate_finding(finding, shapely.bounds(areas[is_off]), raster)]


def _find_empty(areas: Geometries, raster: Raster, labels: Geometries) -> list[Finding]:
    held = np.unique(shapely.STRtree(areas).query(labels, predicate="intersects")[1])
    is_empty = ~np.isin(np.arange(len(areas)), held)
    count = int(is_empty.sum())
    if count == 0:
        return []
    sentence = count_things(count, "One area holds no label.", "{} areas hold no label.")
    hint = "Inside an area no label means no building: label its buildings, or delete the area."
    finding = Finding("areas_empty", WARNING, sentence, hint, count)
    return [locate_finding(finding, shapely.bounds(areas[is_empty]), raster)]
