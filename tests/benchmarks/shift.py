"""What the check says of labels that lie right, and of the same ones moved by a known way, on real places.

``make bench ARGS="shift FOLDER [SAMPLE]"``: FOLDER holds places as the starter's training reads them (``mosaic.tif``
and ``buildings.geojson`` in a folder, or Rio's tiles), SAMPLE the demo's ``raster.tif`` and ``labels.gpkg``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import shapely

from plugin.core.models import find_card
from plugin.worker.checks.label_crops import look_at_labels
from plugin.worker.checks.misregistration import Misregistration, find_shift
from plugin.worker.dataset.labels import read_labels
from plugin.worker.geodata.offsets import measure_frame
from plugin.worker.geodata.raster import Raster, describe_raster
from plugin.worker.starter.places import RIO_TILES

LENGTHS_M = (2.5, 5.0)
DIRECTIONS = tuple(range(0, 360, 45))


def list_places(data: Path, sample: Path | None) -> Iterator[tuple[str, Path, Path]]:
    """Yield the name, the raster and the labels of each place that is there."""
    for folder in sorted(path.parent for path in data.glob("*/mosaic.tif")):
        yield folder.name, folder / "mosaic.tif", folder / "buildings.geojson"
    for number in RIO_TILES:
        stem, rio = f"3band_013022223130_Public_img{number}", data / "rio_spacenet1"
        if rio.is_dir():
            yield f"rio {number}", rio / "tiles" / f"{stem}.tif", rio / "labels" / f"{stem}.geojson"
    if sample is not None:
        yield "sample", sample / "raster.tif", sample / "labels.gpkg"


def find(raster: Raster, polygons: np.ndarray) -> Misregistration | None:
    """Return the shift that is found."""
    return find_shift(look_at_labels(raster, polygons, 1, lambda _: None), 1)


def main(arguments: list[str]) -> None:
    """Print a line for each place as it is, and one for each length of a seeded shift, the worst of 8 directions."""
    data, *sample = map(Path, arguments)
    card = find_card("starter")
    print("place          seeded   found          error m       +- m   said    seconds  labels")
    for name, raster_path, labels_path in list_places(data, sample[0] if sample else None):
        raster = describe_raster(str(raster_path), card)
        polygons = read_labels(str(labels_path), "", raster).polygons
        began = time.perf_counter()
        own = find(raster, polygons)
        seconds = time.perf_counter() - began
        if own is None:
            print(f"{name:14s} nothing to compare")
            continue
        said = "accused" if own.is_certain(raster.native_gsd_m) else "left alone"
        way = f"{own.east_m:+.2f} {own.north_m:+.2f}"
        head = f"{name:14s} none     {way:14s} {own.length_m:4.2f}"
        print(f"{head}          {own.within_m:5.2f}  {said} {seconds:5.1f}  {own.labels}")
        for length_m in LENGTHS_M:
            print(f"{name:14s} {length_m:.1f} m    {measure_seeded(raster, polygons, own, length_m)}", flush=True)


def measure_seeded(raster: Raster, polygons: np.ndarray, own: Misregistration, length_m: float) -> str:
    """Return what is found of labels that are moved in 8 directions.

    The error is that of the way moved; in brackets, that of the way moved from where they were found to lie at first.
    """
    frame, errors, against_own, widths, certain = measure_frame(raster), [], [], [], 0
    for direction in DIRECTIONS:
        way = length_m * np.array([np.sin(np.radians(direction)), np.cos(np.radians(direction))])
        step = frame.to_pixels(*way, np.array([raster.height / 2]))[0]
        shift = find(raster, shapely.transform(polygons, lambda xy, step=step: xy + step))
        if shift is None:
            continue
        found = np.array([shift.east_m, shift.north_m])
        errors.append(float(np.linalg.norm(found - way)))
        against_own.append(float(np.linalg.norm(found - way - (own.east_m, own.north_m))))
        widths.append(shift.within_m)
        certain += shift.is_certain(raster.native_gsd_m)
    worst = f"{max(errors):.2f} ({max(against_own):.2f})"
    return f"worst of {len(errors)}     {worst:13s} {max(widths):5.2f}  found {certain} of {len(DIRECTIONS)}"
