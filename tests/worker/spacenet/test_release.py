"""Which tiles a released folder offers, which are chosen, and which labels belong to which tile."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plugin.worker.spacenet.release import choose_product, match_id, open_release, read_image_id


@pytest.mark.parametrize(
    ("tile", "labels"),
    [
        ("3band_013022223130_Public_img1.tif", "013022223130_Public_img1_Geo.geojson"),
        ("8band_AOI_1_RIO_img77.tif", "Geo_AOI_1_RIO_img77.geojson"),
        ("RGB-PanSharpen_AOI_2_Vegas_img108.tif", "buildings_AOI_2_Vegas_img108.geojson"),
        ("MUL-PanSharpen_AOI_5_Khartoum_img9.tif", "buildings_AOI_5_Khartoum_img9.geojson"),
        (
            "Pan-Sharpen_Atlanta_nadir7_catid_1030010003D22F00_732701_3730989.tif",
            "spacenet-buildings_732701_3730989.geojson",
        ),
        (
            "SN4_buildings_train_AOI_6_Atlanta_nadir7_catid_1030010003D22F00_PS-RGBNIR_732701_3730989.tif",
            "SN4_buildings_train_AOI_6_Atlanta_geojson_buildings_732701_3730989.geojson",
        ),
        (
            "SN6_Train_AOI_11_Rotterdam_PS-RGB_20190823161806_20190823162129_tile_2747.tif",
            "SN6_Train_AOI_11_Rotterdam_Buildings_20190823161806_20190823162129_tile_2747.geojson",
        ),
        (
            "global_monthly_2018_01_mosaic_L15-0331E-1257N_1327_3160_13.tif",
            "global_monthly_2018_01_mosaic_L15-0331E-1257N_1327_3160_13_Buildings.geojson",
        ),
    ],
)
def test_a_tile_finds_its_labels_in_every_releases_names(tile, labels):
    image, own = read_image_id(Path(tile).stem), read_image_id(Path(labels).stem)
    other = read_image_id(re.sub(r"\d(?=\D*$)", "0", Path(labels).stem))
    assert match_id(image, [other, own]) == own
    assert match_id(image, [other]) is None


def test_the_product_that_suits_best_is_chosen(rio, vegas, atlanta):
    assert choose_product(open_release(rio.folder)).name == "3band"
    assert choose_product(open_release(vegas.folder)).name == "RGB-PanSharpen"
    assert choose_product(open_release(atlanta.folder)).name == "Atlanta_nadir7_catid_1030010003D22F00/Pan-Sharpen"


def test_a_product_can_be_named_by_its_last_part(vegas):
    assert choose_product(open_release(vegas.folder.parent), "mul").name == "AOI_2_Vegas_Train/MUL"


def test_a_product_with_labels_goes_before_one_without(vegas, make_city):
    make_city(name="AOI_0_Test").write_tiles("RGB-PanSharpen/RGB-PanSharpen_AOI_0_Test_img{row}{col}.tif")
    assert choose_product(open_release(vegas.folder.parent)).name == "AOI_2_Vegas_Train/RGB-PanSharpen"


def test_labels_of_roads_are_not_taken_for_buildings(make_city):
    city = make_city()
    city.write_tiles("PS-RGB/SN3_PS-RGB_img{row}{col}.tif")
    city.write_labels("geojson_roads/SN3_geojson_roads_img{row}{col}.geojson")
    assert open_release(city.folder).labels == {}


def test_a_product_that_is_not_there_is_refused_with_those_that_are(vegas, refusal_of):
    error = refusal_of(choose_product, open_release(vegas.folder), "PS-RGB")
    assert 'no product "PS-RGB"' in error.message
    assert error.hint == "It offers: RGB-PanSharpen, MUL-PanSharpen, MUL, PAN."
