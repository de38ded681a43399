"""Prediction: every pixel once, no seams, nodata kept, and only where it was asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
import torch
from affine import Affine
from torch import nn

from plugin.core.errors import RunError
from plugin.core.models import find_card
from plugin.worker.geodata.probability import FULL, NODATA
from plugin.worker.geodata.raster import describe_raster
from plugin.worker.inference.predict import Predictor, write_probability

CARD = replace(find_card("imagenet_lite0"), mean=(0.0,) * 3, std=(1.0,) * 3)


class Brightness(nn.Module):
    """A network whose footprint probability is the first band, pixel by pixel."""

    def forward(self, values):
        return torch.logit(values[:, :1].clamp(1e-4, 1 - 1e-4))


class WindowNumber(nn.Module):
    """A network that says 0.5 wherever it looks, and remembers how many windows it saw."""

    def __init__(self):
        super().__init__()
        self.windows = 0

    def forward(self, values):
        self.windows += len(values)
        return torch.zeros_like(values[:, :1])


def write_raster(path, values, nodata=None):
    with rasterio.open(
        path, "w", driver="GTiff", height=values.shape[1], width=values.shape[2], count=3, dtype="uint8",
        crs="EPSG:32645", transform=Affine(0.5, 0, 300000, 0, -0.5, 3000000), nodata=nodata,
    ) as target:  # fmt: skip
        target.write(values)
    return describe_raster(str(path), CARD)


def predict(raster, path, network=None, ground=None):
    heard = []
    predictor = Predictor(network or Brightness(), CARD, torch.device("cpu"))
    write_probability(predictor, raster, path, heard.append, ground)
    with rasterio.open(path) as dataset:
        return dataset.read(1), dataset.profile, heard


def random_values(height, width, seed=1):
    return np.random.default_rng(seed).integers(1, 255, (3, height, width), dtype="uint8")


@pytest.mark.parametrize("size", [(33, 40), (100, 700), (513, 512), (1100, 1300)])
def test_every_pixel_gets_its_own_probability_whatever_the_size(tmp_path, size):
    values = random_values(*size)
    found, _, _ = predict(write_raster(tmp_path / "r.tif", values), tmp_path / "p.tif")
    assert found.shape == size
    assert np.abs(found - values[0] / 255 * FULL).max() <= 1


def test_windows_of_one_mind_leave_no_seam(tmp_path):
    values = random_values(1200, 1200)
    found, _, _ = predict(write_raster(tmp_path / "r.tif", values), tmp_path / "p.tif", WindowNumber())
    assert np.unique(found).tolist() == [FULL // 2]


def test_nodata_stays_nodata_and_full_windows_of_it_are_not_predicted(tmp_path):
    values = random_values(1400, 1400)
    values[:, :, :700] = 0
    network = WindowNumber()
    raster = write_raster(tmp_path / "r.tif", values, nodata=0)
    found, profile, _ = predict(raster, tmp_path / "p.tif", network)
    assert (found[:, :700] == NODATA).all()
    assert (found[:, 700:] != NODATA).all()
    assert profile["nodata"] == NODATA
    assert network.windows == 2 * 3


def test_ground_restricts_the_work_to_windows_that_meet_it(tmp_path):
    raster = write_raster(tmp_path / "r.tif", random_values(2000, 2000))
    network = WindowNumber()
    found, _, _ = predict(raster, tmp_path / "p.tif", network, shapely.box(10, 10, 60, 60))
    assert network.windows == 1
    assert (found[10:60, 10:60] != NODATA).all()
    assert (found[1000:, 1000:] == NODATA).all()


def test_the_result_is_a_tiled_geotiff_on_the_rasters_grid(tmp_path):
    raster = write_raster(tmp_path / "r.tif", random_values(300, 300))
    _, profile, _ = predict(raster, tmp_path / "p.tif")
    assert profile["tiled"]
    assert profile["crs"] == raster.crs
    assert profile["transform"] == raster.transform


def test_progress_rises_to_one(tmp_path):
    _, _, heard = predict(write_raster(tmp_path / "r.tif", random_values(1100, 1100)), tmp_path / "p.tif")
    assert heard == sorted(heard)
    assert heard[-1] == 1


def test_strips_of_a_wide_raster_fit_without_a_seam(tmp_path, monkeypatch):
    """A strip is 16,384 pixels wide; narrower ones show the same seams on a small raster."""
    raster = write_raster(tmp_path / "r.tif", random_values(200, 1700))
    whole, _, _ = predict(raster, tmp_path / "whole.tif", Blur())
    monkeypatch.setattr("plugin.worker.inference.predict._STRIP_PX", 512)
    strips, _, _ = predict(raster, tmp_path / "strips.tif", Blur())
    assert (whole == strips).all()


class Blur(nn.Module):
    """A network that looks around, so that a window's edge differs from its middle."""

    def forward(self, values):
        mean = nn.functional.avg_pool2d(values[:, :1], 65, stride=1, padding=32)
        return torch.logit(mean.clamp(1e-4, 1 - 1e-4))


def test_a_prediction_that_is_broken_off_leaves_nothing_behind(tmp_path):
    raster = write_raster(tmp_path / "r.tif", random_values(300, 300))

    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_probability(Predictor(Brightness(), CARD, torch.device("cpu")), raster, tmp_path / "p.tif", stop)
    assert [path.name for path in tmp_path.iterdir()] == ["r.tif"]


def test_a_folder_that_is_gone_is_said(tmp_path):
    raster = write_raster(tmp_path / "r.tif", random_values(64, 64))
    with pytest.raises(RunError, match="could not be written"):
        predict(raster, Path(tmp_path / "gone" / "p.tif"))


def test_a_raster_that_is_kept_gets_overviews_and_loses_those_of_an_earlier_one(tmp_path):
    raster = write_raster(tmp_path / "r.tif", np.full((3, 1200, 1200), 150, dtype="uint8"))
    path, stale = tmp_path / "p.tif", tmp_path / "p.tif.ovr"
    stale.write_bytes(b"of another raster")
    predictor = Predictor(Brightness(), CARD, torch.device("cpu"))
    write_probability(predictor, raster, path, lambda _: None, is_kept=True)
    assert not stale.exists()
    with rasterio.open(path) as dataset:
        assert dataset.overviews(1) == [4, 8]
    with rasterio.open(path, overview_level=0) as coarse:
        assert (coarse.read(1) == round(150 / 255 * FULL)).all()
