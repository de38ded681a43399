"""What a network says of a raster, in overlapping windows, streamed to a tiled GeoTIFF of probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import torch
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.windows import Window
from torch import nn

from ...core.atomic_file import replacing
from ...core.card import Card
from ..geodata.probability import NODATA
from ..geodata.raster import Raster, open_grid, read_window
from ..geodata.windows import keep_meeting
from ..models.networks import normalise
from ..runtime.precision import autocast, keep_depthwise_exact
from .blending import OVERLAP_PX, SIDE_PX, BlendedRows
from .overviews import add_overviews, name_sidecar

_STEP_PX = SIDE_PX - OVERLAP_PX
_BATCH = 4
_STRIP_PX = 8192


class Predictor:
    """A network that is ready to predict: on its device, in evaluation mode, with the card that says how to feed it."""

    def __init__(self, network: nn.Module, card: Card, device: torch.device) -> None:
        """Move the network to the device."""
        self.network, self.card, self.device = network.to(device), card, device
        keep_depthwise_exact(self.network, device)

    def predict(self, batch: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return probabilities (n, outputs, height, width) of n windows (bands, height, width) of values in 0..1.

        Where the card says so, a window is looked at in each of its mirror images, too, and the mean is taken.
        """
        values = normalise(np.stack(batch), self.card).to(self.device, memory_format=torch.channels_last)
        self.network.eval()
        views = ((), (3,), (2,), (2, 3)) if self.card.uses_tta else ((),)
        with torch.inference_mode(), autocast(self.device):
            crops = [self.network(values.flip(view)).float().sigmoid().flip(view) for view in views]
        probability = torch.stack(crops).mean(dim=0)[:, : len(self.card.outputs)]
        return np.asarray(probability.cpu().numpy())


def write_probability(
    predictor: Predictor,
    raster: Raster,
    path: Path,
    report: Callable[[float], None],
    ground: Any = None,
    *,
    is_kept: bool = False,
) -> None:
    """Write what the model says of the raster to a GeoTIFF of bytes, a band for each of its outputs.

    0 to 254 stand for 0 to 1, 255 for where nothing is known. Windows of 640 px every 512 px are blended by a weight
    that falls smoothly towards their edges. ``ground`` (pixel coordinates) restricts the work to windows that meet it.
    One that is kept (``is_kept``), to be looked at, gets overviews. Memory follows the width of a strip, not the
    raster. Raises RunError where the file cannot be written; ``report`` takes the share that is done and may raise to
    stop.
    """
    strips = _plan_strips(raster, ground)
    total, done = max(1, sum(len(strip.windows) for strip in strips)), 0
    name_sidecar(path).unlink(missing_ok=True)
    with replacing(path, RasterioError) as partial:
        with open_grid(raster) as source, _create(partial, raster, predictor.card.outputs) as target:
            for strip in strips:
                for step in _predict_strip(predictor, source, raster, target, strip):
                    done += step
                    report(done / total)
        if is_kept:
            add_overviews(partial)


@dataclass(frozen=True)
class _Strip:
    """Columns ``left`` to ``right`` of the raster, and the windows that they need, from top to bottom."""

    left: int
    right: int
    windows: list[Window]


def _plan_strips(raster: Raster, ground: Any) -> list[_Strip]:
    tops = range(0, max(1, raster.height - OVERLAP_PX), _STEP_PX)
    strips = []
    for left in range(0, raster.width, _STRIP_PX):
        right = min(left + _STRIP_PX, raster.width)
        first = left - (_STEP_PX if left else 0)
        last = right if right < raster.width else max(first + 1, raster.width - OVERLAP_PX)
        lefts = range(first, last, _STEP_PX)
        windows = [Window(col, row, SIDE_PX, SIDE_PX) for row in tops for col in lefts]
        strips.append(_Strip(left, right, keep_meeting(windows, ground)))
    return strips


def _predict_strip(
    predictor: Predictor, source: DatasetReader, raster: Raster, target: DatasetWriter, strip: _Strip
) -> Iterator[int]:
    """Predict a strip row by row of windows; yields how many windows are done."""
    band = BlendedRows(strip.left, strip.right, len(predictor.card.outputs))
    rows = sorted({window.row_off for window in strip.windows})
    for row in rows:
        band.move_to(row, target)
        queue = [window for window in strip.windows if window.row_off == row]
        while queue:
            chosen, queue = queue[:_BATCH], queue[_BATCH:]
            read = [(window, *read_window(source, raster, window)) for window in chosen]
            full = [(window, values, valid) for window, values, valid in read if valid.any()]
            if full:
                probabilities = predictor.predict([values for _, values, _ in full])
                for (window, _, valid), probability in zip(full, probabilities, strict=True):
                    band.add(window, probability, valid)
            yield len(chosen)
    band.flush(target)


def _create(path: Path, raster: Raster, outputs: tuple[str, ...]) -> DatasetWriter:
    target = rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=raster.width,
        height=raster.height,
        count=len(outputs),
        dtype="uint8",
        crs=raster.crs,
        transform=raster.transform,
        nodata=NODATA,
        tiled=True,
        blockxsize=256,
        blockysize=256,
        compress="deflate",
        sparse_ok=True,
        BIGTIFF="IF_SAFER",
    )
    target.descriptions = outputs
    return target
