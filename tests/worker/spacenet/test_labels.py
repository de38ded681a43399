"""The labels of a folder are one layer of whole buildings; its areas are the ground that is labelled."""

from __future__ import annotations

import shutil

import numpy as np
import pyogrio
import pytest
import shapely
from affine import Affine

M2 = 0.25  # of a pixel


@pytest.mark.parametrize("name", ["rio", "vegas", "atlanta"])
def test_labels_are_one_layer_of_whole_buildings(request, convert, read_polygons, name):
    city = request.getfixturevalue(name)
    done = convert(city.folder)
    polygons, fields, crs = read_polygons(done.files["labels"])
    assert pyogrio.list_layers(done.files["labels"]).tolist() == [["labels", "Polygon"]]
    assert crs == city.utm
    assert done.buildings == len(polygons) == 4 * 12 + 3
    assert shapely.area(polygons).sum() == pytest.approx(shapely.area(city.pieces).sum() * M2, rel=1e-4)
    assert np.sort(shapely.area(polygons))[-3:] == pytest.approx(13 * 14 * M2, rel=1e-3)
    assert len(set(fields["tile"])) == 12


@pytest.fixture
def pair(make_city):
    """Two tiles of SpaceNet 6 side by side, still without labels."""
    city = make_city(rows=1, cols=2)
    city.write_tiles("PS-RGB/SN6_PS-RGB_tile_{row}{col}.tif")
    return city


def test_doubtful_pieces_at_a_seam_stay_apart(pair, convert):
    """Two houses that meet at a seam by chance are not cut over the same length."""
    pair.write_geojson("SN6_Buildings_tile_00.geojson", [shapely.box(87, 20, 96, 40)])
    pair.write_geojson("SN6_Buildings_tile_01.geojson", [shapely.box(96, 23, 105, 40)])
    assert convert(pair.folder).buildings == 2


def test_what_has_no_area_is_told_and_counts_as_little_as_in_a_score(pair, convert, ear):
    """A sliver of 1 mm, in pixels of half a metre and in degrees; a row for a tile without buildings is no label."""
    house, sliver = shapely.box(20, 20, 40, 40), shapely.box(50, 20, 50.002, 40)
    pair.write_geojson("SN6_Buildings_tile_00.geojson", [house, sliver, shapely.Polygon()])
    pair.write_geojson("SN6_Buildings_tile_01.geojson", [shapely.Polygon()])
    assert convert(pair.folder).buildings == 1
    assert "2 labels without an area were ignored." in [notice.message for notice in ear.channel.notices]


def test_labels_that_come_apart_are_told_for_all_tiles(pair, convert, ear):
    for name, x in (("00", 20), ("01", 120)):
        bowtie = shapely.Polygon([(x, 20), (x + 20, 40), (x + 20, 20), (x, 40)])
        pair.write_geojson(f"SN6_Buildings_tile_{name}.geojson", [bowtie])
    assert convert(pair.folder).buildings == 4
    (told,) = [notice.message for notice in ear.channel.notices if "invalid" in notice.message]
    assert told.endswith("2 of them came apart into 4 pieces: each counts as a building.")


def test_houses_of_one_tile_that_share_a_wall_stay_apart(pair, convert):
    pair.write_geojson("SN6_Buildings_tile_00.geojson", [shapely.box(70, 20, 80, 40), shapely.box(80, 20, 90, 40)])
    assert convert(pair.folder).buildings == 2


def test_a_building_that_overlapping_tiles_both_show_counts_once(pair, convert, read_polygons):
    pair.write_tile("PS-RGB/SN6_PS-RGB_tile_01.tif", pair.values(0, 1), pair.grid @ Affine.translation(66, 0))
    for col in (0, 1):
        pair.write_geojson(f"SN6_Buildings_tile_0{col}.geojson", [shapely.box(76, 20, 92, 40)])
    polygons, _, _ = read_polygons(convert(pair.folder).files["labels"])
    assert shapely.area(polygons) == pytest.approx([16 * 20 * M2], rel=1e-4)


def test_tiles_without_labels_are_told_and_lie_in_no_area_those_without_buildings_do(
    vegas, convert, ear, read_polygons
):
    shutil.rmtree(vegas.folder / "summaryData")
    (vegas.folder / "geojson/buildings/buildings_AOI_2_Vegas_img20.geojson").unlink()
    vegas.write_geojson("geojson/buildings/buildings_AOI_2_Vegas_img21.geojson", [])
    done = convert(vegas.folder)
    assert (done.tiles, done.labelled) == (12, 11)
    tiles = set(read_polygons(done.files["areas"])[1]["tile"])
    assert "aoi_2_vegas_img20" not in tiles
    assert "aoi_2_vegas_img21" in tiles
    assert "1 tiles have no labels, and are used neither for training nor for scoring." in ear.notices


@pytest.mark.parametrize("system", ["degrees", "the tile's", "pixels"])
def test_labels_that_name_no_coordinate_system_are_found_where_they_lie(make_city, convert, read_polygons, system):
    city = make_city()
    city.write_tiles("PS-RGB/SN6_PS-RGB_tile_{row}{col}.tif")
    for row, col in city.tiles:
        transform = Affine.identity() if system == "pixels" else city.place(row, col)
        crs = city.degrees if system == "degrees" else city.utm
        name = f"SN6_Buildings_tile_{row}{col}.geojson"
        city.write_geojson(name, city.buildings(row, col), transform, crs, names_crs=False)
    polygons, _, _ = read_polygons(convert(city.folder).files["labels"])
    assert shapely.area(polygons).sum() == pytest.approx(shapely.area(city.pieces).sum() * M2, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "product"),
    [("vegas", "RGB-PanSharpen"), ("vegas", "MUL-PanSharpen"), ("rio", "3band"), ("rio", "8band")],
)
def test_the_summary_serves_where_the_geojson_files_are_missing(request, convert, read_polygons, name, product):
    """It names the tile at the end of the first column, too, which has no building: that is labelled ground."""
    city = request.getfixturevalue(name)
    for path in city.folder.rglob("*.geojson"):
        path.unlink()
    done = convert(city.folder, product)
    assert (done.labelled, done.buildings) == (12, 4 * 11 + 3)
    without = shapely.area(city.pieces).sum() - shapely.area(city.buildings(2, 0)).sum()
    assert shapely.area(read_polygons(done.files["labels"])[0]).sum() == pytest.approx(without * M2)


def test_a_summary_in_finer_pixels_than_the_products_is_refused(vegas, convert, refusal_of):
    shutil.rmtree(vegas.folder / "geojson")
    assert "finer tiles" in refusal_of(convert, vegas.folder, "MUL").message


def test_the_areas_are_the_labelled_tiles_and_a_share_of_the_buildings_is_held_out(vegas, convert, read_polygons):
    done = convert(vegas.folder, held_out_share=0.25, seed=3)
    areas, fields, _ = read_polygons(done.files["areas"])
    assert set(fields["role"]) == {"training", "held-out"}
    assert shapely.union_all(areas).area == pytest.approx(12 * vegas.side**2 * M2)
    held_out = shapely.union_all(areas[fields["role"] == "held-out"])
    polygons, _, _ = read_polygons(done.files["labels"])
    assert 0.15 <= shapely.contains(held_out, shapely.point_on_surface(polygons)).mean() <= 0.4
    again = convert(vegas.folder, held_out_share=0.25, seed=3, may_replace=True)
    same = read_polygons(again.files["areas"])[1]
    assert (same["role"] == fields["role"]).all()


def test_a_folder_that_is_missing_or_holds_no_tiles_or_no_labels_is_refused(tmp_path, vegas, convert, refusal_of):
    assert "no folder" in refusal_of(convert, tmp_path / "gone").message
    assert "holds no tiles" in refusal_of(convert, vegas.folder / "geojson").message
    shutil.rmtree(vegas.folder / "geojson")
    shutil.rmtree(vegas.folder / "summaryData")
    assert "No tile of RGB-PanSharpen has labels" in refusal_of(convert, vegas.folder).message
