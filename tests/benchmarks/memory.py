"""The memory that tracing takes, on a small and on a large probability raster: it must not grow with the raster.

``make bench ARGS="memory [SIDE ...]"``; each side is traced in a process of its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.windows import Window

from plugin.core.card import Seeds, SeparationParams
from plugin.worker.geodata.crs import GroundScale
from plugin.worker.geodata.probability import FULL, NODATA
from plugin.worker.polygons.vectorize import TraceRule, trace_footprints

SIDES = (5_000, 20_000)
TILE_PX = 1_000
RULE = TraceRule(SeparationParams(0.5, Seeds(0.5, 0.5, 1.0, 1.0)), 5.0, 2.0, is_squared=True)


def paint_tile() -> np.ndarray:
    """Return a piece of town (3, side, side): terraces with walls, wall to wall or apart."""
    tile = np.zeros((3, TILE_PX, TILE_PX), dtype="uint8")
    rng = np.random.default_rng(6)
    for top in range(10, TILE_PX - 60, 90):
        left = 10
        while left < TILE_PX - 40:
            width, height = (int(value) for value in rng.integers(18, 44, 2))
            tile[:2, top : top + height, left : left + width] = FULL
            tile[1, top + 3 : top + height - 3, left + 3 : left + width - 3] = 0
            left += width + int(rng.choice((0, 0, 12)))
    return tile


def write_town(path: Path, side: int) -> None:
    """Write a town of that many pixels a side, tile by tile."""
    tile = paint_tile()
    profile = {"driver": "GTiff", "width": side, "height": side, "count": 3, "dtype": "uint8", "nodata": NODATA}
    layout = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate", "zlevel": 1}
    place = {"crs": "EPSG:32645", "transform": Affine(0.25, 0, 300000, 0, -0.25, 3000000)}
    with rasterio.open(path, "w", **profile, **layout, **place) as target:
        for top in range(0, side, TILE_PX):
            for left in range(0, side, TILE_PX):
                target.write(tile, window=Window(left, top, TILE_PX, TILE_PX))


def trace(path: Path) -> None:
    """Trace the town and print count, seconds, and what that added to the process's largest memory."""
    with rasterio.open(path) as dataset:
        side = dataset.width
    scale = GroundScale(np.array([0.0, float(side)]), np.array([0.0625, 0.0625]))
    began, count = time.monotonic(), 0
    for _, part in trace_footprints(path, RULE, scale):
        count += len(part.polygons)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.monotonic() - began
    print(f"{side:,} x {side:,}: {count:,} footprints, {seconds:.0f} s, peak memory {peak_mb:.0f} MB", flush=True)


def main(arguments: list[str]) -> None:
    """Trace each side in a process of its own, or a file that is named."""
    if arguments[:1] == ["trace"]:
        trace(Path(arguments[1]))
        return
    for side in [int(each) for each in arguments] or SIDES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "town.tif"
            write_town(path, side)
            subprocess.run([sys.executable, "-m", "tests.benchmarks", "memory", "trace", str(path)], check=True)
