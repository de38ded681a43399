"""What the network learns from: crops of the training ground, and nothing of any other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from ...core.block_roles import TRAINING
from ...core.card import ADAPTATIONS, OUTPUTS, Card
from ..dataset.labels import Labels
from ..dataset.split import Split
from ..geodata.raster import Raster, clip_window, read_window
from ..geodata.rasterize import PolygonIndex
from ..models.networks import normalise
from .targets import Targets, choose_widths

_BRIGHTNESS = 0.3  # in standard deviations of the model's bands
_CONTRAST = 0.2


@dataclass(frozen=True)
class Sample:
    """One crop: ``values`` (bands, side, side) as the network takes them, and what it shall say of them.

    ``truth`` (outputs, side, side) is 0 or 1, ``weight`` (1 or outputs, side, side) how much that counts.
    """

    values: torch.Tensor
    truth: torch.Tensor
    weight: torch.Tensor


class Sampler:
    """Draws crops of the ground of one role, training by default.

    A pixel counts (weight 1) only where it is ground of that role with data. Ground of other roles, and the buffer
    around it, is blanked in what the network sees, too, also where it is mirrored beyond the raster's edge.
    """

    def __init__(
        self,
        dataset: DatasetReader,
        raster: Raster,
        card: Card,
        labels: Labels,
        split: Split,
        role: str = TRAINING,
        replay_share: float = 0.5,
    ) -> None:
        """Index labels and ground for drawing; ``replay_share`` of the crops lie on ground that is not fresh."""
        self._dataset, self._raster, self._card = dataset, raster, card
        is_own = split.label_roles == role
        self._targets = Targets(labels.polygons[is_own], choose_widths(card, raster.gsd_m))
        self._channels = [OUTPUTS.index(output) for output in card.outputs]
        self._foreign = PolygonIndex(labels.polygons[~is_own])
        self._cells = split.blocks[split.roles == role]
        self._ground = PolygonIndex(self._cells)
        others = shapely.buffer(split.blocks[split.roles != role], split.buffer_px, join_style="mitre")
        self._forbidden = PolygonIndex(np.asarray(others, dtype=object))
        is_fresh = (
            split.is_fresh[split.roles == role] if len(split.is_fresh) else np.zeros(len(self._cells), dtype=bool)
        )
        self.chances = _weigh(shapely.area(self._cells), is_fresh, replay_share)

    def draw(self, rng: Generator, is_augmented: bool = True) -> Sample:
        """Return a crop whose middle lies at random on the ground; by default turned, mirrored and shaded at random."""
        side = self._card.recipe.tile_px
        left, top, right, bottom = self._cells[rng.choice(len(self._cells), p=self.chances)].bounds
        col, row = rng.uniform(left, right), rng.uniform(top, bottom)
        sample = self.read(Window(round(col - side / 2), round(row - side / 2), side, side))
        if is_augmented:
            return augment(sample, self._card, rng)
        return Sample(normalise(sample.values, self._card), sample.truth, sample.weight)

    def read(self, window: Window) -> Sample:
        """Return the crop of a window as it is; values still run from 0 to 1."""
        window = _move_inside(window, self._raster)
        values, valid = read_window(self._dataset, self._raster, window)
        hidden = self._find_hidden(window)
        weight = valid & ~hidden & (self._ground.draw(window) > 0) & (self._foreign.draw(window) == 0)
        values[:, hidden] = np.array(self._card.mean, dtype="float32")[:, None]
        truth = self._targets.draw(window)[self._channels].astype("float32")
        return Sample(torch.from_numpy(values), torch.from_numpy(truth), _as_channel(weight))

    def _find_hidden(self, window: Window) -> NDArray[np.bool_]:
        """Return where the network may see nothing: beyond the raster's edge as ``read_window`` mirrors it there."""
        inside, pads = clip_window(window, self._raster)
        return np.pad(self._forbidden.draw(inside) > 0, pads, mode="symmetric")


def _weigh(areas: NDArray[np.float64], is_fresh: NDArray[np.bool_], replay_share: float) -> NDArray[np.float64]:
    """Return how likely each cell is to be drawn: by its area, but fresh ones share what is not replayed."""
    chances = areas / areas.sum()
    if is_fresh.any() and not is_fresh.all():
        chances[is_fresh] *= (1 - replay_share) / chances[is_fresh].sum()
        chances[~is_fresh] *= replay_share / chances[~is_fresh].sum()
    return np.asarray(chances)


def augment(sample: Sample, card: Card, rng: Generator) -> Sample:
    """Return the crop turned by quarters, mirrored, and with brightness and contrast changed mildly; normalised."""
    turns, is_mirrored = int(rng.integers(4)), bool(rng.integers(2))

    def turn(plane: torch.Tensor) -> torch.Tensor:
        turned = torch.rot90(plane, turns, (1, 2))
        return (turned.flip(2) if is_mirrored else turned).contiguous()

    values = turn(sample.values)
    contrast = 1 + rng.uniform(-_CONTRAST, _CONTRAST)
    centre = values.mean(dim=(1, 2), keepdim=True)
    brightness = rng.uniform(-_BRIGHTNESS, _BRIGHTNESS) * torch.tensor(card.std, dtype=torch.float32)[:, None, None]
    values = (values - centre) * contrast + centre + brightness
    if card.adaptation == ADAPTATIONS[0]:
        values = values.clamp(0, 1)
    return Sample(normalise(values, card), turn(sample.truth), turn(sample.weight))


def stack_samples(samples: list[Sample]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return values, truth and weight of shape (batch, channels, side, side)."""
    parts = zip(*((sample.values, sample.truth, sample.weight) for sample in samples), strict=True)
    values, truth, weight = (torch.stack(part) for part in parts)
    return values.to(memory_format=torch.channels_last), truth, weight


def _move_inside(window: Window, raster: Raster) -> Window:
    """Return the window moved to lie inside the raster where the raster is large enough, else over its middle."""
    col = min(max(window.col_off, 0), max(raster.width - window.width, 0))
    row = min(max(window.row_off, 0), max(raster.height - window.height, 0))
    return Window(col, row, window.width, window.height)


def _as_channel(plane: NDArray[np.generic]) -> torch.Tensor:
    return torch.from_numpy(plane.astype("float32"))[None]
