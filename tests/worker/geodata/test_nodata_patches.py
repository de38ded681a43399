"""Buildings whose roofs hold the nodata value, or are masked: read as imagery where that is plain, else told."""

from __future__ import annotations

import numpy as np
import pytest

from tests.worker.conftest import write_raster
from tests.worker.geodata.test_nodata import RGB, SIDE, draw, kinds, read


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a raster and returns its path."""

    def write(values, name="raster.tif", **options):
        return write_raster(tmp_path / name, values, **{"colours": RGB, **options})

    return write


def draw_roofs(value):
    """Return imagery with 25 roofs of a value, 8 x 10 m each, with sharp edges."""
    rows, cols = np.mgrid[:SIDE, :SIDE]
    return np.where((rows % 25 < 16) & (cols % 25 < 20) & (rows >= 25) & (cols >= 25), value, draw(60, 190))


@pytest.mark.parametrize("value", [0, 255])
def test_a_nodata_value_of_whole_roofs_is_imagery_and_told(write, value):
    stored = np.pad(draw_roofs(value)[:, :-3, :-3], ((0, 0), (0, 3), (0, 3)), constant_values=100)
    raster, values, valid = read(write(stored, nodata=value))
    assert kinds(raster) == ["nodata_is_imagery"]
    assert "-a_nodata none" in raster.remarks[0].hint
    assert valid.all()
    assert (values[:, 30, 30] == value / 255).all()


@pytest.mark.parametrize("kind", ["collar", "alpha", "uint16"])
def test_patches_as_large_as_buildings_that_may_be_no_imagery_are_merely_told(write, kind):
    stored = np.pad(draw_roofs(255)[:, :-3, :-3], ((0, 0), (0, 3), (0, 3)), constant_values=100)
    is_roof = (stored == 255).all(axis=0)
    if kind == "alpha":
        path = write(np.where(is_roof, 100, stored), alpha=np.where(is_roof, 0, 255))
    elif kind == "uint16":
        path = write(np.where(is_roof, 65535, stored * 10), dtype="uint16", nodata=65535)
    else:
        stored[:, :6] = 255
        path = write(stored, nodata=255)
    raster, _, valid = read(path)
    assert kinds(raster) == ["nodata_is_imagery"]
    assert ("unset it" in raster.remarks[0].hint) == (kind != "alpha")
    assert not valid[is_roof].any()
