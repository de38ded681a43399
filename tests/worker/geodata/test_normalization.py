"""A raster's values are brought to those that a model learnt from, and it is said how."""

from dataclasses import replace

import numpy as np
import pytest
from rasterio.windows import Window

from plugin.core.models import find_card
from plugin.worker.geodata.raster import describe_raster, open_grid, read_window
from plugin.worker.models.networks import normalise

SPACENET = find_card("selimsef_spacenet4_resnet34unet")
MEAN, STD = (np.array(part) * 65535 for part in (SPACENET.mean, SPACENET.std))


def draw_bands(rng, mean, std, size=(96, 96)):
    """Return planes of noise with these means and standard deviations."""
    return np.stack([rng.normal(m, s, size) for m, s in zip(mean, std, strict=True)])


def read_all(path, card, bands):
    raster = describe_raster(str(path), card, bands)
    with open_grid(raster) as dataset:
        values, _ = read_window(dataset, raster, Window(0, 0, raster.width, raster.height))
    return raster, normalise(values, card).numpy()


@pytest.fixture
def rng():
    return np.random.default_rng(4)


def test_sixteen_bit_values_like_those_of_spacenet_are_scored_by_the_published_constants(make_raster, rng):
    stored = np.clip(draw_bands(rng, MEAN, STD), 1, 65535).astype("uint16")
    raster, seen = read_all(make_raster(stored, dtype="uint16"), SPACENET, (1, 2, 3, 4))
    assert np.allclose(seen, (stored - MEAN[:, None, None]) / STD[:, None, None], atol=1e-3)
    assert "used unchanged" in raster.adapted


@pytest.mark.parametrize(("dtype", "mean", "std"), [("uint8", 110, 30), ("uint16", 9000, 2500), ("float32", 0.3, 0.1)])
def test_other_values_are_brought_to_the_models_mean_and_spread(make_raster, rng, dtype, mean, std):
    stored = draw_bands(rng, [mean, mean * 1.1, mean * 0.9, mean], [std] * 4)
    raster, seen = read_all(make_raster(stored, dtype=dtype), SPACENET, (1, 2, 3, 4))
    assert seen.mean(axis=(1, 2)) == pytest.approx([0] * 4, abs=0.02)
    assert seen.std(axis=(1, 2)) == pytest.approx([1] * 4, abs=0.02)
    assert "scaled to the mean and standard deviation" in raster.adapted
    assert "near-infrared 1364" in raster.adapted


def test_what_is_darker_than_the_model_ever_saw_is_not_cut_off(make_raster, rng):
    stored = np.clip(draw_bands(rng, [120] * 4, [40] * 4), 0, 255)
    stored[:, :4] = 1
    _, seen = read_all(make_raster(stored), SPACENET, (1, 2, 3, 4))
    assert seen[:, :4].max() < -2


def test_a_missing_near_infrared_band_is_filled_with_the_models_mean_and_that_is_said(make_raster, rng):
    stored = draw_bands(rng, [100, 110, 120], [30] * 3)
    raster, seen = read_all(make_raster(stored), SPACENET, (3, 2, 1, 0))
    assert np.abs(seen[3]).max() < 1e-4
    assert np.corrcoef(seen[0].ravel(), stored[2].ravel())[0, 1] > 0.999
    assert "no near-infrared band: it is filled with the model's mean" in raster.adapted


def test_a_tuned_models_stretch_is_kept_on_other_rasters(make_raster, rng):
    stored = draw_bands(rng, [100] * 4, [30] * 4)
    raster = describe_raster(str(make_raster(stored)), SPACENET, (1, 2, 3, 4))
    tuned = replace(SPACENET, stretch=raster.stretch)
    brighter = describe_raster(str(make_raster(stored + 20, name="brighter.tif")), tuned, (1, 2, 3, 4))
    assert brighter.stretch == raster.stretch
    assert not brighter.is_clipped


def test_more_bits_and_bands_than_a_model_of_colours_needs_are_stretched_and_left_out(make_raster, rng, card):
    stored = draw_bands(rng, [4000, 3000, 2000, 9000, 9000], [500] * 5)
    raster, seen = read_all(make_raster(stored, dtype="uint16"), card, (3, 2, 1))
    assert raster.stretch[0] == pytest.approx(np.percentile(stored[2].astype("uint16"), (1, 99)), rel=0.01)
    assert seen.shape[0] == 3
    assert raster.adapted.startswith("Values are stretched from ")


def test_eight_bits_for_a_model_of_eight_bits_need_no_word(make_raster, card):
    assert describe_raster(str(make_raster()), card).adapted == ""
