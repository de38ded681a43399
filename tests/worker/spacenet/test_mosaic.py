"""The raster of a folder holds every tile's pixels where they lie, and says which band is which."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine

from plugin.core.events import Notice
from plugin.worker.spacenet.convert import convert_folder


@pytest.mark.parametrize(
    ("product", "bands", "colours"),
    [
        ("RGB-PanSharpen", 3, ("red", "green", "blue")),
        ("PAN", 1, ("undefined",)),
        ("MUL-PanSharpen", 8, ("undefined",) * 8),
    ],
)
def test_the_raster_holds_every_tiles_pixels_and_tells_its_colours(vegas, convert, product, bands, colours):
    side = vegas.side
    with rasterio.open(convert(vegas.folder, product).files["raster"]) as raster:
        assert (raster.count, raster.dtypes[0], raster.nodata, raster.crs) == (bands, "uint16", 0, vegas.utm)
        assert (raster.width, raster.height, raster.transform) == (4 * side, 3 * side, vegas.grid)
        assert tuple(kind.name for kind in raster.colorinterp) == colours
        values = raster.read()
    for row, col in vegas.tiles:
        part = values[:, row * side : (row + 1) * side, col * side : (col + 1) * side]
        assert np.array_equal(part, vegas.values(row, col, bands))


def test_the_four_bands_of_spacenet_4_begin_with_blue(atlanta, convert):
    with rasterio.open(convert(atlanta.folder).files["raster"]) as raster:
        assert [kind.name for kind in raster.colorinterp][:3] == ["blue", "green", "red"]
        assert raster.descriptions == ("blue", "green", "red", "near-infrared")


def test_folder_and_raster_can_be_moved_together(vegas, ear, tmp_path):
    convert_folder(vegas.folder, vegas.folder / "out", ear.channel)
    shutil.move(vegas.folder, tmp_path / "elsewhere")
    with rasterio.open(tmp_path / "elsewhere" / "out" / "raster.vrt") as raster:
        assert np.array_equal(raster.read()[:, : vegas.side, : vegas.side], vegas.values(0, 0))


def test_names_with_signs_that_mean_something_in_xml_are_taken(make_city, convert):
    city = make_city(name='R&D <é> "tiles"', rows=2, cols=2)
    city.write_tiles("PS-RGB/SN6_PS-RGB_tile_{row}{col}.tif")
    city.write_labels("SN6_Buildings_tile_{row}{col}.geojson")
    with rasterio.open(convert(city.folder).files["raster"]) as raster:
        assert np.array_equal(raster.read()[:, : city.side, : city.side], city.values(0, 0))


def test_a_black_rim_is_no_data_and_lets_the_neighbour_through(make_city, convert, read_polygons):
    city = make_city(rows=2, cols=2)
    side, half = city.side, city.side // 2
    city.write_tiles("3band/3band_AOI_1_RIO_img{row}{col}.tif")
    city.write_labels("geojson/Geo_AOI_1_RIO_img{row}{col}.geojson")
    rimmed, overlapping = city.values(0, 1), city.values(1, 1)
    rimmed[:, :, half:] = 0
    overlapping[:, :, :half] = 0
    city.write_tile("3band/3band_AOI_1_RIO_img01.tif", rimmed, city.place(0, 1))
    city.write_tile("3band/3band_AOI_1_RIO_img11.tif", overlapping, city.place(1, 1) @ Affine.translation(-half, 0))
    done = convert(city.folder)
    with rasterio.open(done.files["raster"]) as raster:
        assert raster.read(masked=True).mask[:, :side, side + half :].all()
        assert np.array_equal(raster.read()[:, side:, :side], city.values(1, 0))
    areas, fields, _ = read_polygons(done.files["areas"])
    ground = shapely.union_all(areas[fields["tile"] == "aoi_1_rio_img01"])
    assert ground.area == pytest.approx(side * half * 0.25)


def test_tiles_that_do_not_belong_are_left_out_and_told(vegas, convert, ear):
    names = sorted(path.relative_to(vegas.folder).as_posix() for path in vegas.folder.glob("RGB-PanSharpen/*.tif"))
    vegas.write_tile(names[1], np.ones((4, 96, 96), "uint16"))
    vegas.write_tile(names[2], np.ones((3, 96, 96), "uint8"))
    vegas.write_tile(names[3], np.ones((3, 96, 96), "uint16"), crs="EPSG:32617")
    vegas.write_tile(names[4], np.ones((3, 96, 96), "uint16"), vegas.grid @ Affine.scale(2))
    vegas.write_tile(names[5], np.zeros((3, 96, 96), "uint16"))
    broken = vegas.folder / names[6]
    broken.write_bytes(broken.read_bytes()[:300])
    assert convert(vegas.folder).tiles == 6
    told = next(event for event in ear.events if isinstance(event, Notice) and event.level == "warning").message
    for reason in ("set of bands", "kind of values", "coordinate system", "pixel size"):
        assert f"1 have another {reason} than the first, or none that can be used" in told
    for reason in ("1 cannot be read", "1 hold no data"):
        assert reason in told


def test_of_one_piece_of_ground_in_many_months_the_last_is_taken(make_city, convert, ear, read_polygons):
    city = make_city(name="L15-0331E-1257N")
    for month in ("01", "02"):
        city.write_tiles("images/global_monthly_2018_" + month + "_mosaic_{row}_{col}.tif")
        city.write_labels("labels/global_monthly_2018_" + month + "_mosaic_{row}_{col}_Buildings.geojson")
    done = convert(city.folder)
    assert (done.tiles, done.labelled) == (12, 12)
    assert "12 show the same place as a later one" in " ".join(ear.notices)
    assert all("2018_02" in tile for tile in read_polygons(done.files["areas"])[1]["tile"])


def test_tiles_on_slightly_different_grids_lie_within_a_pixel_of_their_place(make_city, convert):
    """SpaceNet 1's pixels differ in size from row to row, and its tiles lie between each other's pixels."""
    city = make_city(rows=1, cols=2)
    ramp = np.broadcast_to(np.arange(1, city.side + 1, dtype="uint16"), (3, city.side, city.side))
    places = [city.grid, Affine(0.5005, 0, city.grid.c + 0.5 * (city.side + 0.4), 0, -0.5, city.grid.f + 0.2)]
    for number, transform in enumerate(places):
        city.write_tile(f"3band/3band_img{number}.tif", ramp, transform)
        city.write_geojson(f"img{number}_Geo.geojson", [shapely.box(4, 4, 12, 12)], transform)
    with rasterio.open(convert(city.folder).files["raster"]) as raster:
        for transform in places:
            xs, ys = transform @ np.array([np.arange(4, 92) + 0.5, np.full(88, 50.5)])
            found = [int(value[0]) for value in raster.sample(zip(xs, ys, strict=True))]
            assert np.abs(np.array(found) - np.arange(5, 93)).max() <= 1
