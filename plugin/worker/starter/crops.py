"""Crops that the starter model learns from: turned, scaled, blurred and coloured, for one model of many imageries."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from affine import Affine
from numpy.random import Generator
from torch.nn import functional

from ...core.card import Card
from ..models.networks import normalise
from ..training.sampler import Sample
from .places import Place

#: How much of the ground's own scale a pixel shows: below 1 roofs look larger than they are.
ZOOM = (0.6, 2.0)
#: How many pixels of the crop a pixel of the blurred imagery covers, at most.
BLUR_PX = 2.6
_NEAR_BUILDING = 0.75


@dataclass(frozen=True)
class CropMaker:
    """Draws crops of the places for a model of that card."""

    places: list[Place]
    card: Card

    def draw(self, rng: Generator) -> Sample:
        """Return a crop of a place drawn at random, as the network takes it, with weights (3, side, side)."""
        chances = np.array([place.chance for place in self.places])
        place = self.places[rng.choice(len(self.places), p=chances / chances.sum())]
        side = self.card.recipe.tile_px
        frame = self._choose_frame(place, rng)
        values, known = warp(place, frame, side)
        truth = torch.from_numpy(place.targets.draw_frame(frame, (side, side)).astype("float32"))
        weight = known.expand(3, side, side).clone()
        unclear = torch.from_numpy(place.unclear.draw_frame(frame, (side, side)) > 0)
        weight[1:, unclear & (truth[1] == 0)] = 0
        step = math.sqrt(abs(frame.determinant))
        values = shade(blur(values, step, rng), rng) * (known > 0)
        return Sample(normalise(values, self.card), truth, weight)

    def _choose_frame(self, place: Place, rng: Generator) -> Affine:
        """Return where the crop's pixels lie in the place: near a building, or anywhere on known ground."""
        if len(place.buildings) and rng.random() < _NEAR_BUILDING:
            left, top, right, bottom = place.buildings[rng.integers(len(place.buildings))].bounds
            col, row = rng.uniform(left, right), rng.uniform(top, bottom)
        else:
            row, col = (int(rng.integers(size)) for size in place.known.shape)
        zoom = math.exp(rng.uniform(math.log(ZOOM[0]), math.log(ZOOM[1])))
        step = (self.card.working_gsd_m or place.gsd_m) * zoom / place.gsd_m
        aspect = math.exp(rng.uniform(-0.1, 0.1))
        mirror = -1 if rng.random() < 0.5 else 1
        middle = self.card.recipe.tile_px / 2
        shift = rng.uniform(-0.35, 0.35, 2) * 2 * middle
        return (
            Affine.translation(col, row)
            @ Affine.rotation(rng.uniform(0, 360))
            @ Affine.scale(step * aspect * mirror, step / aspect)
            @ Affine.translation(shift[0] - middle, shift[1] - middle)
        )


def warp(place: Place, frame: Affine, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return values (3, side, side) in 0..1 and the known ground (1, side, side) as 0 and 1, on the frame's pixels."""
    cols, rows = frame @ np.array([[0, side, side, 0], [0, 0, side, side]], dtype=float)
    height, width = place.known.shape
    left, top = max(0, math.floor(min(cols)) - 2), max(0, math.floor(min(rows)) - 2)
    right, bottom = min(width, math.ceil(max(cols)) + 3), min(height, math.ceil(max(rows)) + 3)
    if right - left < 2 or bottom - top < 2:
        return torch.zeros(3, side, side), torch.zeros(1, side, side)
    part = torch.from_numpy(place.values[:, top:bottom, left:right].astype("float32") / 255)
    known = torch.from_numpy(place.known[top:bottom, left:right].astype("float32"))[None]
    layers = torch.cat([part, known])[None]
    step = max(1, round(math.sqrt(abs(frame.determinant))))
    if step > 1:
        layers = functional.avg_pool2d(layers, step, ceil_mode=True, count_include_pad=False)
    local = Affine.scale(1 / step) @ Affine.translation(-left, -top) @ frame
    size = (layers.shape[3], layers.shape[2])
    theta = _normalise_frame(local, side, size)
    grid = functional.affine_grid(theta, [1, 4, side, side], align_corners=False)
    warped = functional.grid_sample(layers, grid, mode="bilinear", align_corners=False)[0]
    return warped[:3], (warped[3:] > 0.99).float()


def _normalise_frame(frame: Affine, side: int, size: tuple[int, int]) -> torch.Tensor:
    """Return the frame in torch's coordinates, which run from -1 to 1 over the crop and over what is read."""
    to_crop = Affine.scale(side / 2) @ Affine.translation(1, 1)
    to_unit = Affine.translation(-1, -1) @ Affine.scale(2 / size[0], 2 / size[1])
    whole = to_unit @ frame @ to_crop
    return torch.tensor([[[whole.a, whole.b, whole.c], [whole.d, whole.e, whole.f]]], dtype=torch.float32)


def blur(values: torch.Tensor, step: float, rng: Generator) -> torch.Tensor:
    """Return the crop as coarser imagery would show it; ``step`` is how many pixels of the place a crop's pixel takes.

    Where the place is coarser than the crop already, less is taken away from it.
    """
    most = BLUR_PX * min(1.0, step)
    factor = math.exp(rng.uniform(0, math.log(max(most, 1.0 + 1e-6)))) if rng.random() < 0.8 else 1.0
    if factor < 1.15:
        return values
    side = values.shape[1]
    small = functional.interpolate(values[None], size=round(side / factor), mode="bilinear", antialias=True)
    return functional.interpolate(small, size=side, mode="bicubic" if rng.random() < 0.5 else "bilinear")[0].clamp(0, 1)


def shade(values: torch.Tensor, rng: Generator) -> torch.Tensor:
    """Return the crop under another light, by another camera: gamma, contrast, colour cast, saturation, noise."""
    values = values ** math.exp(rng.uniform(-0.45, 0.45))
    grey = values.mean(dim=0, keepdim=True)
    values = grey + (values - grey) * rng.uniform(0.3, 1.5)
    gains = torch.from_numpy(rng.uniform(0.85, 1.15, 3).astype("float32"))[:, None, None]
    centre = values.mean()
    values = ((values - centre) * rng.uniform(0.6, 1.4) + centre + rng.uniform(-0.15, 0.15)) * gains
    if rng.random() < 0.1:
        values = values[torch.from_numpy(rng.permutation(3))]
    noise = torch.from_numpy(rng.standard_normal(values.shape, dtype="float32"))
    return (values + noise * rng.uniform(0, 0.03)).clamp(0, 1)
