"""Pictures of the report show the imagery as the model read it."""

from __future__ import annotations

import numpy as np
import rasterio

from plugin.worker.report.html.imagery import choose_view, take_imagery
from tests.worker.conftest import write_raster


def take_picture(path):
    """Return the picture of a whole raster, as a data URI."""
    with rasterio.open(path) as dataset:
        return take_imagery(dataset, choose_view(dataset, (1, 2, 3)), dataset.bounds, 64).source


def test_near_infrared_that_is_called_alpha_makes_no_holes_in_pictures(tmp_path):
    rng = np.random.default_rng(3)
    values, infrared = rng.integers(60, 190, (3, 64, 64)), rng.integers(0, 200, (64, 64)) // 40 * 40
    colours = ["red", "green", "blue"]
    called = write_raster(tmp_path / "called.tif", values, colours=colours, alpha=infrared)
    plain = write_raster(tmp_path / "plain.tif", values, colours=colours)
    assert take_picture(called) == take_picture(plain)
