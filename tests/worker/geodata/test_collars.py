"""Black and white collars that nobody declares are nodata, and told; roofs on the border are none."""

from __future__ import annotations

import numpy as np
import pytest
from rasterio.windows import Window
from scipy.ndimage import gaussian_filter

from plugin.worker.geodata.raster import open_grid, read_window
from plugin.worker.geodata.statistics import measure_filled, spread_looks
from tests.worker.conftest import write_raster
from tests.worker.geodata.test_nodata import GRIDS, RGB, SIDE, draw, kinds, read


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a raster and returns its path."""

    def write(values, name="raster.tif", **options):
        return write_raster(tmp_path / name, values, **{"colours": RGB, **options})

    return write


def draw_collar(kind):
    rows, cols = np.mgrid[:SIDE, :SIDE]
    return {"strip": cols < 20, "rotated": (rows + cols < 40) | (rows + cols > 214)}[kind]


@pytest.mark.parametrize("working_gsd_m", GRIDS)
@pytest.mark.parametrize("kind", ["strip", "rotated"])
@pytest.mark.parametrize(
    ("dtype", "value", "jitter", "nodata"),
    [
        ("uint8", 0, 0, None),
        ("uint8", 255, 0, None),
        ("uint8", 0, 3, None),
        ("uint8", 0, 0, 255),
        ("uint16", 0, 3, None),
    ],
)
def test_a_black_or_white_collar_is_told_and_read_as_nodata(write, working_gsd_m, kind, dtype, value, jitter, nodata):
    scale = 20 if dtype == "uint16" else 1
    stored = draw(40 * scale, 250 * scale, dtype=dtype)
    collar = draw_collar(kind)
    stored[:, 60:72, 60:72] = value
    clean = stored.copy()
    stored[:, collar] = value
    if jitter:
        stored[:, collar] = np.random.default_rng(6).integers(0, jitter + 1, (3, collar.sum()))
    _, expected, _ = read(write(clean, "clean.tif", dtype=dtype), working_gsd_m)
    raster, values, valid = read(write(stored, dtype=dtype, nodata=nodata), working_gsd_m)
    assert kinds(raster) == ["undeclared_nodata"]
    assert ("Near Black" in raster.remarks[0].hint) == bool(jitter)
    rows, cols = (np.arange(size) * SIDE // size for size in valid.shape)
    on_collar = collar[np.ix_(rows, cols)]
    assert (valid != ~on_collar).mean() < 0.03
    if nodata is None:
        assert valid[~on_collar].mean() > 0.97  # what is black or white elsewhere is imagery
    deep = valid & ~gaussian_filter(on_collar.astype(float), 3).astype(bool)
    if dtype == "uint8":
        assert np.abs(values - expected)[:, deep].max() < 0.01


@pytest.mark.parametrize("value", [0, 255])
def test_a_black_or_white_roof_on_the_border_is_imagery(write, value):
    stored = draw(40, 250, dtype="uint8")
    stored[:, :24, 50:80] = stored[:, -20:, -30:] = value
    raster, _, valid = read(write(stored))
    assert raster.rule is None
    assert kinds(raster) == []
    assert valid.all()


def test_a_window_sees_the_same_collar_as_the_whole_raster_does(write):
    stored = draw(40, 250, dtype="uint8")
    stored[:, draw_collar("rotated")] = 0
    raster, _, valid = read(write(stored))
    with open_grid(raster) as dataset:
        for col, row in ((0, 0), (13, 40), (77, 61)):
            _, known = read_window(dataset, raster, Window(col, row, 48, 56))
            assert (known == valid[row : row + 56, col : col + 48]).all()
    assert measure_filled(raster, spread_looks(raster)) == 0
