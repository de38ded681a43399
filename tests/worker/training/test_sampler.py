"""Crops: what the network learns from, and what it must never see."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from rasterio.features import rasterize
from rasterio.windows import Window

from plugin.core.block_roles import TRAINING, VALIDATION
from plugin.core.job import Settings
from plugin.core.models import find_card
from plugin.worker.dataset.labels import read_labels
from plugin.worker.dataset.split import split_ground
from plugin.worker.geodata.raster import describe_raster, open_grid
from plugin.worker.training.sampler import Sampler, augment, stack_samples

CARD = find_card("imagenet_lite0")


@pytest.fixture
def ground(town):
    raster = describe_raster(str(town.raster), CARD)
    labels = read_labels(str(town.labels), "", raster)
    return raster, labels, split_ground(raster, labels, Settings())


def draw_ground(split, raster, role, grow=0.0):
    shapes = [(polygon.buffer(grow, join_style="mitre"), 1) for polygon in split.blocks[split.roles == role]]
    return rasterize(shapes, (raster.height, raster.width)) > 0


def whole(raster):
    return Window(0, 0, raster.width, raster.height)


def test_only_training_ground_counts(ground):
    raster, labels, split = ground
    with open_grid(raster) as dataset:
        sample = Sampler(dataset, raster, CARD, labels, split).read(whole(raster))
    counted = sample.weight[0].numpy() > 0
    assert counted.any()
    assert not (counted & ~draw_ground(split, raster, TRAINING)).any()


def test_ground_of_other_roles_and_its_buffer_is_blanked_in_what_the_network_sees(ground):
    raster, labels, split = ground
    with open_grid(raster) as dataset:
        sample = Sampler(dataset, raster, CARD, labels, split).read(whole(raster))
    for role in (VALIDATION, "held-out"):
        hidden = draw_ground(split, raster, role, split.buffer_px - 1)
        assert (sample.values[:, torch.from_numpy(hidden)] == torch.tensor(CARD.mean)[:, None]).all()


def test_a_building_that_belongs_to_other_ground_is_not_learnt_from(ground):
    raster, labels, split = ground
    foreign = [polygon for polygon, role in zip(labels.polygons, split.label_roles, strict=True) if role != TRAINING]
    drawn = rasterize([(polygon, 1) for polygon in foreign], (raster.height, raster.width)) > 0
    with open_grid(raster) as dataset:
        sample = Sampler(dataset, raster, CARD, labels, split).read(whole(raster))
    assert not (drawn & (sample.weight[0].numpy() > 0)).any()


def test_crops_have_the_cards_size_and_the_same_seed_draws_the_same(ground):
    raster, labels, split = ground
    with open_grid(raster) as dataset:
        sampler = Sampler(dataset, raster, CARD, labels, split)
        first, again, other = (sampler.draw(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.values.shape == (3, 256, 256)
    assert first.truth.shape == first.weight.shape == (1, 256, 256)
    assert torch.equal(first.values, again.values)
    assert not torch.equal(first.values, other.values)


def test_a_turned_crop_turns_its_labels_too(ground):
    """Bright roofs lie under their labels however the crop is turned and mirrored."""
    raster, labels, split = ground
    with open_grid(raster) as dataset:
        sampler = Sampler(dataset, raster, CARD, labels, split)
        for seed in range(12):
            sample = sampler.draw(np.random.default_rng(seed))
            counted = sample.weight[0] > 0
            roofs, rest = (sample.values[0][counted & mask] for mask in (sample.truth[0] > 0, sample.truth[0] == 0))
            assert roofs.mean() > rest.mean() + 0.2


def test_shading_is_mild_and_keeps_the_range(ground):
    raster, labels, split = ground
    with open_grid(raster) as dataset:
        sample = Sampler(dataset, raster, CARD, labels, split).read(Window(0, 0, 256, 256))
    low, high = ((limit - CARD.mean[0]) / CARD.std[0] for limit in (0.0, 1.0))
    for seed in range(8):
        shaded = augment(sample, CARD, np.random.default_rng(seed)).values
        assert shaded.min() >= low - 1e-5
        assert shaded.max() <= high + 1e-5


def test_crops_stack_into_a_batch(ground):
    raster, labels, split = ground
    with open_grid(raster) as dataset:
        sampler = Sampler(dataset, raster, CARD, labels, split)
        values, truth, weight = stack_samples([sampler.draw(np.random.default_rng(seed)) for seed in range(3)])
    assert values.shape == (3, 3, 256, 256)
    assert truth.shape == weight.shape == (3, 1, 256, 256)
