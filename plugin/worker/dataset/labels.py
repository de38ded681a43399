"""The labels: read, reprojected to the raster's pixels, repaired, counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from ...core.errors import InputError
from ..geodata.clean_polygons import NARROWEST_M, Apart, CleanPolygons, clean_polygons, describe_done, find_twins
from ..geodata.offsets import measure_frame
from ..geodata.raster import Raster, to_pixels
from ..geodata.vector import SURFACES, Geometries, Layer, read_layer

#: What may be done to labels, in the order in which it is told.
DONE = ("repaired", "split", "dropped", "outside", "twins")


@dataclass(frozen=True)
class Labels:
    """Building polygons in the raster's pixel coordinates (column, row), valid and single-part.

    The counts say what was done to get there: ``repaired`` invalid ones, ``split`` multi-part ones taken apart,
    ``dropped`` ones without an area, ``outside`` ones beyond the raster, ``twins`` that lay exactly on another.
    ``apart`` are how many of the invalid ones came apart, and into how many.
    ``places`` holds the boxes (n, 4; pixels) of what is behind a count, by its name. ``shift_m`` (east, north) is how
    far they were moved on the ground.
    """

    polygons: Geometries
    repaired: int = 0
    split: int = 0
    dropped: int = 0
    outside: int = 0
    twins: int = 0
    apart: Apart = (0, 0)
    shift_m: tuple[float, float] = (0.0, 0.0)
    places: Mapping[str, NDArray[np.float64]] = field(default_factory=dict, compare=False)

    def describe(self) -> list[str]:
        """Return a sentence for each thing that was done to the labels."""
        said = [sentence for name in DONE if (sentence := self.describe_count(name))]
        return [*said, self.describe_shift()] if any(self.shift_m) else said

    def describe_count(self, name: str) -> str:
        """Return the sentence that belongs to one of the counts, "" where it is 0."""
        return describe_done(name, getattr(self, name), apart=self.apart)

    def describe_shift(self) -> str:
        """Return how far the labels were moved, in a sentence ("": not at all)."""
        told = describe_way(*self.shift_m)
        return f"Labels are moved by {told} for this run (your layer is unchanged)." if told else ""


def describe_way(east_m: float, north_m: float) -> str:
    """Return a way on the ground in words, such as "1.2 m east and 0.5 m south" ("": no way at all)."""
    ways = [(east_m, "east" if east_m > 0 else "west"), (north_m, "north" if north_m > 0 else "south")]
    return " and ".join(f"{abs(metres):.1f} m {way}" for metres, way in ways if round(metres, 1))


def read_labels(path: str, layer: str, raster: Raster, shift_m: tuple[float, float] = (0.0, 0.0)) -> Labels:
    """Read the labels of a raster, moved by metres (east, north); raises InputError where none of them can be used."""
    content = read_layer(path, layer)
    clean = read_polygons(content, raster, f"The label layer {path}")
    polygons, origins = clean.polygons, clean.origins
    if any(shift_m):
        polygons = _move(polygons, raster, *shift_m)
    frame = shapely.box(0, 0, raster.width, raster.height)
    touching = shapely.intersects(polygons, frame)
    if not touching.any():
        raise InputError(
            f"No label touches the raster: {_describe_distance(polygons, raster)}",
            "Choose labels of the same place, and check the coordinate systems of both layers."
            if not _are_exchanged(content, raster)
            else "Their x and y are exchanged: use Processing > Swap X and Y coordinates.",
        )
    is_twin = touching.copy()
    is_twin[touching] = find_twins(polygons[touching])
    marks = {
        "repaired": clean.is_repaired[origins],
        "split": clean.is_split[origins],
        "outside": ~touching,
        "twins": is_twin,
    }
    return Labels(
        polygons[touching & ~is_twin],
        repaired=int(clean.is_repaired.sum()),
        split=int(clean.is_split.sum()),
        dropped=int(clean.is_dropped.sum()),
        outside=int((~touching).sum()),
        twins=int(is_twin.sum()),
        apart=clean.apart,
        shift_m=shift_m,
        places={name: shapely.bounds(polygons[marked]) for name, marked in marks.items()},
    )


def _are_exchanged(content: Layer, raster: Raster) -> bool:
    """Tell whether labels would lie on the raster if their x were y."""
    if content.crs is None:
        return False
    swapped = shapely.transform(content.geometries, lambda xy: xy[:, ::-1])
    frame = shapely.box(0, 0, raster.width, raster.height)
    return bool(shapely.intersects(to_pixels(swapped, content.crs, raster), frame).any())


def _move(polygons: Geometries, raster: Raster, east_m: float, north_m: float) -> Geometries:
    """Return the polygons moved on the ground, each as a whole."""
    points, owners = shapely.get_coordinates(polygons, return_index=True)
    middles = np.clip(shapely.bounds(polygons)[:, [1, 3]].mean(axis=1), 0, raster.height)
    steps = measure_frame(raster).to_pixels(east_m, north_m, middles)
    return np.asarray(shapely.set_coordinates(polygons.copy(), points + steps[owners]), dtype=object)


def read_polygons(content: Layer, raster: Raster, name: str) -> CleanPolygons:
    """Return a layer's polygons in pixel coordinates, made fit for use.

    Raises InputError for a layer that is empty, has no coordinate system or a wrong one, or holds no polygons with an
    area.
    """
    if len(content.geometries) == 0:
        raise InputError(f"{name} is empty.", "Draw some building polygons first, or choose another layer.")
    if content.crs is None:
        raise InputError(f"{name} has no coordinate system.", "Set it (Layer > Set CRS of Layer(s)) and try again.")
    kinds = shapely.get_type_id(content.geometries)
    if not np.isin(kinds, SURFACES).any():
        raise InputError(f"{name} holds no polygons.", "Choose a polygon layer: lines and points have no area.")
    geometries = to_pixels(content.geometries, content.crs, raster)
    if shapely.is_missing(geometries).all():
        raise InputError(
            f"{name} lies nowhere in the raster's coordinate system.",
            "Check the coordinate systems of both layers (Layer > Set CRS of Layer(s)).",
        )
    clean = clean_polygons(geometries, content.is_mended, NARROWEST_M / raster.gsd_m)
    if len(clean.polygons) == 0:
        raise InputError(f"{name} holds no polygon with an area.", "Choose a layer with building polygons.")
    return clean


def _describe_distance(polygons: Geometries, raster: Raster) -> str:
    left, top, right, bottom = shapely.total_bounds(polygons)
    across = max(left - raster.width, -right, 0.0)
    down = max(top - raster.height, -bottom, 0.0)
    return f"they lie about {np.hypot(across, down) * raster.gsd_m / 1000:.1f} km away from it."
