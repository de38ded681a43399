"""The customs post: which layers a run takes, and with which next step the others are refused."""

from __future__ import annotations

import zipfile

import pytest
from osgeo import gdal
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsRasterLayer,
    QgsVectorLayer,
)

from footprint_tuner.plugin.bridge.layers.layer_checks import (
    find_raster_notices,
    locate_raster,
    take_areas,
    take_labels,
)
from footprint_tuner.plugin.core.errors import InputError


def refuse(call, *arguments):
    with pytest.raises(InputError) as caught:
        call(*arguments)
    assert caught.value.message.endswith(".")
    assert caught.value.hint
    return caught.value.message, caught.value.hint


def test_a_geotiff_passes_by_its_path(make_raster, tmp_path):
    assert locate_raster(make_raster()) == str(tmp_path / "town.tif")


def test_a_relative_path_becomes_an_absolute_one_for_the_run_lies_elsewhere(make_raster, tmp_path, monkeypatch):
    make_raster()
    monkeypatch.chdir(tmp_path)
    assert locate_raster(QgsRasterLayer("town.tif", "town")) == str(tmp_path / "town.tif")


def test_a_path_with_blanks_and_letters_of_other_scripts_passes(make_raster, tmp_path):
    path = tmp_path / "Büro übersicht 建物.tif"
    assert locate_raster(make_raster(path)) == str(path)


def test_options_with_which_a_raster_was_opened_are_no_part_of_its_path(make_raster, tmp_path):
    make_raster()
    layer = QgsRasterLayer(f"{tmp_path / 'town.tif'}|option:NUM_THREADS=2", "town")
    assert locate_raster(layer) == str(tmp_path / "town.tif")


def test_a_raster_inside_a_local_archive_passes(make_raster, tmp_path):
    make_raster()
    with zipfile.ZipFile(tmp_path / "town.zip", "w") as archive:
        archive.write(tmp_path / "town.tif", "town.tif")
    path = f"/vsizip/{tmp_path / 'town.zip'}/town.tif"
    assert locate_raster(QgsRasterLayer(path, "town")) == path


def test_no_raster_is_refused_with_a_next_step():
    assert refuse(locate_raster, None)[0] == "No raster is chosen."


@pytest.mark.parametrize(
    ("source", "provider"),
    [
        ("type=xyz&url=http://localhost:1/%7Bz%7D/%7Bx%7D/%7By%7D.png&zmax=18&zmin=0", "wms"),
        ("url=http://localhost:1/wms&layers=a&styles=&format=image/png&crs=EPSG:4326", "wms"),
        ('dbname=\'towns\' table="public"."rasters"', "postgresraster"),
        ("/vsicurl/http://localhost:1/town.tif", "gdal"),
        ("/vsizip/{/vsicurl/http://localhost:1/town.zip}/town.tif", "gdal"),
    ],
)
def test_a_served_raster_is_refused_with_a_next_step(source, provider):
    message, hint = refuse(locate_raster, QgsRasterLayer(source, "town", provider))
    assert message == 'The raster "town" is served from elsewhere or kept in memory: it has no file on this machine.'
    assert "Export > Save As" in hint


def test_a_raster_in_memory_is_refused_with_a_next_step(make_raster):
    layer = make_raster("/vsimem/town.tif")
    assert layer.isValid()
    assert "kept in memory" in refuse(locate_raster, layer)[0]
    gdal.Unlink("/vsimem/town.tif")


def test_one_raster_of_many_in_a_container_is_refused_with_a_next_step(make_raster, tmp_path):
    path = str(tmp_path / "many.gpkg")
    make_raster()
    for table in ("north", "south"):
        options = [f"RASTER_TABLE={table}", "APPEND_SUBDATASET=YES"]
        gdal.Translate(path, str(tmp_path / "town.tif"), format="GPKG", creationOptions=options)
    layer = QgsRasterLayer(f"GPKG:{path}:south", "south")
    assert layer.isValid()
    message, hint = refuse(locate_raster, layer)
    assert message == 'The raster "south" has no file of its own: it is a part of a container.'
    assert "Export > Save As" in hint


def test_a_file_that_is_gone_is_refused_with_a_next_step(make_raster, tmp_path):
    layer = make_raster()
    (tmp_path / "town.tif").unlink()
    message, hint = refuse(locate_raster, layer)
    assert message == f'The file of the raster "town" is not there: {tmp_path / "town.tif"}.'
    assert "Change Data Source" in hint


def test_a_file_that_is_no_raster_is_refused_with_a_next_step(tmp_path):
    (tmp_path / "town.tif").write_bytes(b"II*\0 and nothing else")
    assert "cannot be read" in refuse(locate_raster, QgsRasterLayer(str(tmp_path / "town.tif"), "town"))[0]


def test_a_raster_without_a_coordinate_system_in_its_file_is_refused_whatever_the_layer_says(make_raster):
    layer = make_raster(epsg=None)
    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:32645"))
    message, hint = refuse(locate_raster, layer)
    assert message == 'The file of the raster "town" has no coordinate system.'
    assert "Assign Projection" in hint


def test_a_raster_shown_in_another_coordinate_system_than_its_files_is_warned_of(make_raster):
    layer = make_raster()
    assert find_raster_notices(layer) == []
    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:32644"))
    (notice,) = find_raster_notices(layer)
    assert notice.level == "warning"
    assert "44N" in notice.message
    assert "45N" in notice.message


def test_no_labels_are_refused_with_a_next_step():
    assert refuse(take_labels, None)[0] == "No labels are chosen."


@pytest.mark.parametrize("kind", ["LineString", "MultiLineStringZ", "Point", "NoGeometry"])
def test_labels_that_are_no_polygons_are_refused_with_a_next_step(make_labels, kind):
    layer = QgsVectorLayer(f"{kind}?crs=EPSG:32645", "ways", "memory")
    assert refuse(take_labels, layer)[0] == 'The label layer "ways" holds no polygons.'


def test_labels_without_a_coordinate_system_are_refused_with_a_next_step(make_labels):
    layer = make_labels()
    layer.setCrs(QgsCoordinateReferenceSystem())
    message, hint = refuse(take_labels, layer)
    assert message == 'The label layer "houses" has no coordinate system.'
    assert "Set CRS" in hint


def test_an_empty_label_layer_is_refused_with_a_next_step():
    layer = QgsVectorLayer("Polygon?crs=EPSG:32645", "houses", "memory")
    assert refuse(take_labels, layer)[0] == 'The label layer "houses" is empty.'


def test_only_selected_labels_where_nothing_is_selected_are_refused_with_a_next_step(make_labels):
    assert refuse(take_labels, make_labels(), True)[0] == 'Nothing is selected in the label layer "houses".'


def test_a_label_layer_whose_file_is_gone_is_refused_with_a_next_step(tmp_path):
    assert "cannot be read" in refuse(take_labels, QgsVectorLayer(str(tmp_path / "gone.gpkg"), "houses", "ogr"))[0]


def test_areas_without_a_role_are_refused_with_a_next_step(make_labels):
    message, hint = refuse(take_areas, make_labels())
    assert message == 'The areas layer "houses" has no field "role".'
    assert "held-out" in hint


def test_the_field_with_the_role_is_found_in_any_case(make_labels):
    layer = make_labels(fields="&field=name:string&field=ROLE:string")
    assert take_areas(layer).kept == (1,)
