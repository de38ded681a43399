"""What is said of a file that cannot be used names its cause, and leads on."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.rpc import RPC
from rasterio.shutil import copy as copy_raster

from plugin.core.errors import InputError
from plugin.worker.geodata.open_errors import advise_vector
from plugin.worker.geodata.raster import describe_raster
from plugin.worker.geodata.vector import read_layer


def refuse(path, card):
    with pytest.raises(InputError) as caught:
        describe_raster(str(path), card)
    return caught.value


@pytest.fixture
def container(tmp_path, make_raster):
    """A GeoPackage that holds two rasters."""
    path = tmp_path / "two.gpkg"
    with rasterio.open(make_raster(size=(256, 256))) as source:
        profile, values = {**source.profile, "driver": "GPKG"}, source.read()
    for table in ("ortho", "second"):
        with rasterio.open(path, "w", **profile, RASTER_TABLE=table, APPEND_SUBDATASET="YES") as dataset:
            dataset.write(values)
    return path


def test_a_format_that_only_qgis_may_read_is_to_be_exported(tmp_path, card):
    (tmp_path / "town.ecw").write_bytes(b"\x03\x00\x00\x00" * 100)
    error = refuse(tmp_path / "town.ecw", card)
    assert "not recognized" in error.message
    assert "Export it as a GeoTIFF" in error.hint


def test_an_empty_file_is_called_empty(tmp_path, card):
    (tmp_path / "town.tif").touch()
    assert refuse(tmp_path / "town.tif", card).hint == "The file is empty: copy it again."


def test_a_mosaic_names_its_missing_tile(tmp_path, card, make_raster):
    tile = make_raster(size=(64, 64))
    copy_raster(tile, tmp_path / "mosaic.vrt", driver="VRT")
    tile.unlink()
    error = refuse(tmp_path / "mosaic.vrt", card)
    assert tile.name in error.message
    assert "See previous exception" not in error.message
    assert "missing" in error.hint


@pytest.mark.parametrize("crs", [None, "EPSG:32645"])
def test_control_points_are_to_be_warped_not_to_be_given_a_coordinate_system(make_raster, card, crs):
    path = make_raster(crs=crs, transform=Affine.identity())
    corners = [GroundControlPoint(y, x, 333000 + x, 3066000 - y) for x in (0, 60) for y in (0, 60)]
    with rasterio.open(path, "r+") as dataset:
        dataset.gcps = (corners, "EPSG:32645")
    error = refuse(path, card)
    assert "control points" in error.message
    assert "Warp" in error.hint


def test_a_raw_satellite_image_is_to_be_orthorectified(make_raster, card):
    path, zero = make_raster(crs=None, transform=Affine.identity()), [0.0] * 20
    with rasterio.open(path, "r+") as dataset:
        dataset.rpcs = RPC(
            height_off=0, height_scale=1, lat_off=27, lat_scale=1, line_den_coeff=[1.0, *zero[1:]], line_num_coeff=zero,
            line_off=0, line_scale=1, long_off=85, long_scale=1, samp_den_coeff=[1.0, *zero[1:]], samp_num_coeff=zero,
            samp_off=0, samp_scale=1,
        )  # fmt: skip
    assert "Orthorectify" in refuse(path, card).hint


def test_a_container_lists_its_rasters_and_each_of_them_can_be_used(container, card):
    error = refuse(container, card)
    assert "holds 2 rasters" in error.message
    names = [f"GPKG:{container}:{table}" for table in ("ortho", "second")]
    assert all(name in error.hint for name in names)
    assert describe_raster(names[0], card).crs.to_epsg() is not None


def test_a_vector_file_for_a_raster_and_the_other_way_round(tmp_path, card, make_raster):
    (tmp_path / "houses.geojson").write_text('{"type": "FeatureCollection", "features": []}', encoding="utf-8")
    assert refuse(tmp_path / "houses.geojson", card).hint == "It is a vector file: choose a raster."
    with pytest.raises(InputError) as caught:
        read_layer(str(make_raster(np.zeros((1, 64, 64), "uint8"))))
    assert "Polygonize" in caught.value.hint
    assert "might help" not in caught.value.message
    (tmp_path / "notes.txt").write_text("nothing", encoding="utf-8")
    assert "that QGIS can open" in advise_vector(str(tmp_path / "notes.txt"))
    assert "moved" in advise_vector(str(tmp_path / "gone.gpkg"))
