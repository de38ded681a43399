"""Overviews of probabilities: means of what is known, in the file or beside it."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling
from rasterio.windows import Window

from plugin.core.errors import RunError
from plugin.worker.geodata.probability import NODATA
from plugin.worker.inference.overviews import add_overviews, build_sidecar, has_overviews, name_sidecar

SIDE = 2400


@pytest.fixture
def path(make_raster):
    """Three bands of noise on rolling ground, with nothing known in one corner."""
    rng = np.random.default_rng(3)
    values = rng.integers(0, 200, (3, SIDE, SIDE)) + np.linspace(0, 50, SIDE).astype(int)
    values[:, :300, :302] = NODATA
    layout = {"tiled": True, "blockxsize": 256, "blockysize": 256}
    return make_raster(values, "probability.tif", nodata=NODATA, **layout)


def shrink(values, factor=4):
    """Return the means of squares of one band, by what is known in them."""
    blocks = values.reshape(len(values) // factor, factor, -1, factor).swapaxes(1, 2).reshape(-1, factor * factor)
    masked = np.ma.masked_equal(blocks, NODATA).mean(axis=1)
    return masked.filled(NODATA).reshape(len(values) // factor, -1)


def read_coarse(path, band=1):
    with rasterio.open(path, overview_level=0) as dataset:
        return dataset.read(band)


@pytest.fixture
def truth(path):
    with rasterio.open(path) as dataset:
        return dataset.read()


def test_overviews_in_the_file_are_means_of_what_is_known(path, truth):
    assert not has_overviews(path)
    add_overviews(path)
    assert has_overviews(path)
    with rasterio.open(path) as dataset:
        assert dataset.overviews(1) == dataset.overviews(3) == [4, 8, 16]
        assert (dataset.read() == truth).all()
    for band in (1, 3):
        assert np.abs(read_coarse(path, band) - shrink(truth[band - 1])).max() <= 0.6


def test_overviews_beside_the_file_are_the_same_and_leave_it_as_it_is(path, truth):
    before = path.read_bytes()
    steps = sum(1 for _ in build_sidecar(path))
    assert steps == 4
    assert path.read_bytes() == before
    with rasterio.open(path) as dataset:
        assert dataset.overviews(1) == [4, 8, 16]
        coarse = dataset.read(1, out_shape=(SIDE // 4, SIDE // 4))
    assert np.abs(coarse - shrink(truth[0])).max() <= 0.6


def test_a_look_at_all_of_it_is_a_mean_of_all_of_it(path, truth):
    list(build_sidecar(path))
    with rasterio.open(path) as dataset:
        whole = dataset.read(1, window=Window(0, 0, SIDE, SIDE), out_shape=(100, 100), resampling=Resampling.average)
    known = truth[0][400:, :]
    assert whole[20:].mean() == pytest.approx(known.mean(), rel=0.02)
    assert (whole[:12, :12] == NODATA).all()


def test_what_is_broken_off_leaves_nothing_behind(path):
    work = build_sidecar(path)
    next(work)
    work.close()
    assert [each.name for each in path.parent.iterdir() if ".ovr" in each.name] == []


def test_a_file_that_cannot_be_written_is_told(path):
    name_sidecar(path).mkdir()
    (name_sidecar(path) / "in the way").touch()
    with pytest.raises(RunError, match="could not be written"):
        list(build_sidecar(path))


def test_a_small_raster_needs_none(make_raster):
    assert has_overviews(make_raster(np.zeros((1, 64, 64)), "small.tif"))
