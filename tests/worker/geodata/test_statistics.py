"""A raster's values, taken here and there, are those of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from rasterio.windows import Window

from plugin.core.models import find_card
from plugin.worker.geodata.raster import describe_raster
from plugin.worker.geodata.statistics import measure_imagery


@pytest.fixture
def measure(make_raster, card):
    """Return a function that measures a raster of the values."""

    def crop(values, region=None, bands=(), **options):
        return measure_imagery(describe_raster(str(make_raster(values, **options)), card, bands), region)

    return crop


def make_noise(size=(700, 900), seed=3):
    rng = np.random.default_rng(seed)
    shared = rng.normal(120, 30, size)
    return np.clip(np.rint([shared + rng.normal(0, 10, size) + shift for shift in (0, 20, -20)]), 0, 255)


def test_mean_and_covariance_are_those_of_all_pixels(measure):
    values = make_noise()
    found = measure(values)
    flat = values.reshape(3, -1) / 255
    assert found.mean == pytest.approx(flat.mean(axis=1), abs=0.003)
    assert np.array(found.covariance) == pytest.approx(np.cov(flat), abs=0.001)
    assert (found.values, found.bands) == ("uint8", (1, 2, 3))


def test_a_small_raster_is_read_as_a_whole(measure):
    values = make_noise((50, 60))
    found = measure(values)
    assert found.mean == pytest.approx(values.reshape(3, -1).mean(axis=1) / 255, abs=1e-4)


def test_pixels_without_data_do_not_count(measure):
    values = make_noise()
    full = measure(values)
    values[:, :, 450:] = 0
    assert measure(values, nodata=0).mean == pytest.approx(full.mean, abs=0.01)
    assert measure(values, Window(500, 0, 400, 700), nodata=0) is None


def test_a_region_alone_is_read(measure):
    values = make_noise()
    values[:, :, 450:] = 200
    found = measure(values, Window(480, 100, 300, 300))
    assert found.mean == pytest.approx([200 / 255] * 3, abs=1e-4)
    assert found.std == pytest.approx([0] * 3, abs=1e-6)


def test_shares_that_are_clipped_are_counted_at_both_ends(measure):
    values = make_noise()
    values[0, :, ::4] = 255
    values[1, ::10] = 0
    found = measure(values)
    assert found.clipped[0][1] == pytest.approx(0.25, abs=0.02)
    assert found.clipped[1][0] == pytest.approx(0.1, abs=0.02)


def test_a_resampled_raster_is_measured_at_its_own_resolution(make_raster):
    values = make_noise()
    starter = find_card("starter")
    raster = describe_raster(str(make_raster(values)), starter)
    assert raster.is_resampled
    assert measure_imagery(raster).std == pytest.approx(values.reshape(3, -1).std(axis=1) / 255, abs=0.003)


def test_values_that_are_not_clipped_have_no_clipped_share(make_raster):
    card = find_card("xdxd_spacenet4")
    raster = describe_raster(str(make_raster(make_noise(), dtype="uint16")), card)
    assert not raster.is_clipped
    assert measure_imagery(raster).clipped == ((0.0, 0.0),) * len(card.bands)
