"""Few values, each of its own, that lie far off all others are told; wide imagery has none."""

from __future__ import annotations

import numpy as np
import pytest

from plugin.core.models import find_card
from plugin.worker.geodata.raster import describe_raster
from plugin.worker.geodata.stray_values import measure_outliers
from tests.worker.conftest import write_raster
from tests.worker.geodata.test_nodata import RGB, draw, kinds

RNG = np.random.default_rng(1)
GROUND = RNG.normal(0.2, 0.05, 20000).astype("float32")


@pytest.mark.parametrize("share", [0.003, 0.015, 0.04])
@pytest.mark.parametrize(("low", "high"), [(100, 10000), (-5000, -90), (20, 50)])
def test_scattered_outliers_are_measured(share, low, high):
    values = GROUND.copy()
    is_far = RNG.random(values.size) < share
    values[is_far] = RNG.uniform(low, high, is_far.sum())
    assert measure_outliers(values) == pytest.approx(is_far.mean())


@pytest.mark.parametrize(
    "values",
    [
        GROUND,
        np.full(5000, 7.0, "float32"),
        np.zeros(5000, "float32"),
        RNG.lognormal(6, 1, 20000).astype("float32"),
        np.concatenate([RNG.normal(200, 20, 19000), RNG.normal(2500, 900, 900)]).astype("float32"),
        GROUND[:100],
    ],
)
def test_imagery_has_no_outliers(values):
    assert measure_outliers(values) == 0


def test_outliers_are_told_with_their_remedy(tmp_path):
    values = draw(0.02, 0.4, dtype="float32")
    is_far = np.random.default_rng(2).random(values.shape[1:]) < 0.015
    values[:, is_far] = np.random.default_rng(3).uniform(100, 10000, (3, is_far.sum()))
    path = write_raster(tmp_path / "raster.tif", values, dtype="float32", colours=RGB)
    raster = describe_raster(str(path), find_card("starter"))
    assert kinds(raster) == ["outliers"]
    assert "in bands 1, 2, 3 lie far from all others, as far as" in raster.remarks[0].message
    assert "Clip them" in raster.remarks[0].hint
