"""Which layers are the plugin's own: by their mark, by their file, and never by what they are called."""

import json
import shutil

import pytest
from osgeo import gdal
from qgis.core import QgsProject, QgsVectorFileWriter, QgsVectorLayer

from footprint_tuner.plugin.bridge.layers.layer_checks import take_areas, take_labels
from footprint_tuner.plugin.bridge.layers.made_by import read_made
from footprint_tuner.plugin.bridge.layers.own_layers import (
    AREAS,
    FINDINGS,
    FOOTPRINTS,
    SPLIT,
    find_kind,
    mark,
    read_mark,
    take_double_in,
)
from footprint_tuner.plugin.bridge.layers.polygon_copy import copy_polygons
from footprint_tuner.plugin.core.errors import InputError

ROLES = {"fields": "&field=role:string", "values": ("training", "held-out")}


@pytest.fixture
def make_file(make_labels, tmp_path):
    """Return a function that writes a GeoPackage of two squares and returns its layer, under any name."""

    def make(path, name="Footprints"):
        path.parent.mkdir(parents=True, exist_ok=True)
        copy_polygons(take_labels(make_labels()), path, lambda: False)
        return QgsVectorLayer(str(path), name, "ogr")

    return make


@pytest.fixture
def run_folder(tmp_path):
    """A folder with a job, as the command line makes one anywhere."""
    folder = tmp_path / "somewhere"
    folder.mkdir()
    (folder / "job.json").write_text(json.dumps({"raster": "town.tif"}), "utf-8")
    return folder


def test_a_layer_of_the_users_is_none_whatever_it_is_called(make_labels, make_file, tmp_path):
    layer = make_labels()
    layer.setName("Footprints")
    assert find_kind(layer) == ""
    assert find_kind(make_file(tmp_path / "data" / "footprints.gpkg")) == ""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("footprints.gpkg", "footprints"),
        ("base_footprints.gpkg", "footprints"),
        ("errors.gpkg", "errors"),
        ("split.gpkg", "split"),
        ("corrections.gpkg", "corrections"),
        ("areas.gpkg", "areas"),
        ("labels.gpkg", ""),
        ("my_houses.gpkg", ""),
    ],
)
def test_a_file_of_a_runs_folder_is_known_without_a_mark(make_file, run_folder, name, kind):
    assert find_kind(make_file(run_folder / name, "my houses")) == kind


def test_a_prediction_beside_the_runs_is_known_without_a_mark(make_file, tmp_path):
    assert find_kind(make_file(tmp_path / "footprint_tuner_runs" / "town_footprints.gpkg")) == FOOTPRINTS
    assert find_kind(make_file(tmp_path / "elsewhere" / "town_footprints.gpkg")) == ""


@pytest.fixture
def made(make_file, tmp_path):
    """A GeoPackage "town.gpkg" outside a run's folder whose first layer says what it is, and whose second does not."""
    path = tmp_path / "town.gpkg"
    make_file(path)
    file = gdal.OpenEx(str(path), gdal.OF_UPDATE)
    file.CopyLayer(file.GetLayer(0), "houses")
    file.GetLayer(0).SetMetadataItem("FOOTPRINT_TUNER", "footprints")
    return path


def test_a_geopackage_tells_of_each_layer_whether_the_plugin_made_it(made, tmp_path):
    (tmp_path / "link.gpkg").symlink_to(made)
    copy = shutil.copy(made, tmp_path / "it's a copy #1?.gpkg")
    for path in (made, tmp_path / "link.gpkg", copy):
        kinds = [find_kind(QgsVectorLayer(f"{path}{part}", "x", "ogr")) for part in ("", "|layername=houses")]
        assert kinds == [FOOTPRINTS, ""], path
    with pytest.raises(InputError, match="it holds the footprints of a model"):
        take_labels(QgsVectorLayer(f"{made}|layername=town|subset=fid > 1", "x", "ogr"))


def test_a_geopackage_that_another_takes_the_place_of_is_looked_at_anew(made, make_file, tmp_path):
    layer = QgsVectorLayer(str(made), "x", "ogr")
    assert find_kind(layer) == FOOTPRINTS
    make_file(tmp_path / "new.gpkg")
    (tmp_path / "new.gpkg").replace(made)
    assert find_kind(layer) == ""


def test_what_is_exported_from_a_layer_is_the_users_own(made, tmp_path, project):
    options = QgsVectorFileWriter.SaveVectorOptions()
    layer = QgsVectorLayer(str(made), "x", "ogr")
    QgsVectorFileWriter.writeAsVectorFormatV3(layer, str(tmp_path / "b.gpkg"), project.transformContext(), options)
    assert find_kind(QgsVectorLayer(str(tmp_path / "b.gpkg"), "x", "ogr")) == ""


@pytest.mark.parametrize("content", [b"", b"no database at all", b"SQLite format 3\0 cut"])
def test_a_geopackage_that_is_none_says_nothing(tmp_path, content):
    (tmp_path / "cut.gpkg").write_bytes(content)
    assert read_made(str(tmp_path / "cut.gpkg"), 0) == {}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.gpkg"]


def test_a_mark_survives_the_projects_file_another_name_and_a_double(project, make_file, tmp_path):
    layer = project.addMapLayer(make_file(tmp_path / "out.gpkg"))
    mark(layer, FOOTPRINTS)
    layer.setName("buildings")
    double = layer.clone()
    assert find_kind(double) == FOOTPRINTS
    project.write(str(tmp_path / "town.qgz"))
    project.clear()
    project.read(str(tmp_path / "town.qgz"))
    (again,) = QgsProject.instance().mapLayersByName("buildings")
    assert find_kind(again) == FOOTPRINTS


def test_a_mark_goes_along_when_the_file_is_moved(project, make_file, tmp_path):
    layer = project.addMapLayer(make_file(tmp_path / "out.gpkg"))
    mark(layer, FOOTPRINTS)
    shutil.copy(tmp_path / "out.gpkg", tmp_path / "moved.gpkg")
    layer.setDataSource(str(tmp_path / "moved.gpkg"), "moved", "ogr")
    assert find_kind(layer) == FOOTPRINTS


def test_a_style_that_is_copied_makes_nobodys_layer_the_plugins(make_file, make_labels, tmp_path):
    layer, labels = make_file(tmp_path / "out.gpkg"), make_labels()
    mark(layer, FOOTPRINTS)
    layer.saveNamedStyle(str(tmp_path / "style.qml"))
    labels.loadNamedStyle(str(tmp_path / "style.qml"))
    assert labels.customProperty("footprint_tuner/made")
    assert find_kind(labels) == ""


def test_a_double_of_a_temporary_layer_is_known_and_a_style_copied_from_it_is_not(make_labels, tmp_path):
    areas, labels = make_labels(**ROLES), make_labels()
    mark(areas, AREAS)
    assert areas.clone().source() != areas.source()
    assert find_kind(areas.clone()) == AREAS
    with pytest.raises(InputError, match="it holds areas that were drawn"):
        take_labels(areas.clone())
    areas.saveNamedStyle(str(tmp_path / "style.qml"))
    labels.loadNamedStyle(str(tmp_path / "style.qml"))
    assert labels.customProperty("footprint_tuner/made")
    assert find_kind(labels) == ""


@pytest.mark.parametrize("is_first_filtered", [True, False])
def test_a_double_is_known_whichever_of_both_is_filtered(make_file, tmp_path, is_first_filtered):
    layer = make_file(tmp_path / "out.gpkg")
    mark(layer, FOOTPRINTS)
    if is_first_filtered:
        layer.setSubsetString('"fid" > 1')
    double = layer.clone()
    double.setSubsetString("" if is_first_filtered else '"fid" > 1')
    assert double.source() != layer.source()
    assert find_kind(double) == FOOTPRINTS


def test_another_layer_of_the_same_file_is_no_double(make_file, make_labels, tmp_path):
    make_file(tmp_path / "out.gpkg")
    first, second = (QgsVectorLayer(f"{tmp_path}/out.gpkg|layername={name}", name, "ogr") for name in ("out", "mine"))
    mark(first, FOOTPRINTS)
    second.setCustomProperty("footprint_tuner/made", first.customProperty("footprint_tuner/made"))
    assert find_kind(second) == ""


def test_doubles_are_known_when_the_project_was_moved_with_its_files(project, make_file, tmp_path):
    layer = project.addMapLayer(make_file(tmp_path / "old" / "out.gpkg"))
    mark(layer, FOOTPRINTS)
    double = layer.clone()
    double.setName("double")
    take_double_in(double)
    project.addMapLayer(double)
    project.write(str(tmp_path / "old" / "town.qgz"))
    project.clear()
    shutil.copytree(tmp_path / "old", tmp_path / "new")
    project.read(str(tmp_path / "new" / "town.qgz"))
    (again,) = project.mapLayersByName("double")
    assert str(tmp_path / "new") in again.source()
    assert find_kind(again) == FOOTPRINTS


def test_marks_of_earlier_versions_are_known(make_labels):
    for key, kind in (("footprint_tuner/areas", AREAS), ("footprint_tuner/split", SPLIT)):
        layer = make_labels()
        layer.setCustomProperty(key, True)
        assert find_kind(layer) == kind


@pytest.mark.parametrize("kind", [FOOTPRINTS, FINDINGS, AREAS])
def test_labels_that_the_plugin_made_are_refused_with_a_next_step(make_labels, kind):
    layer = make_labels()
    mark(layer, kind)
    with pytest.raises(InputError, match='The label layer "houses" was made by Footprint Tuner') as caught:
        take_labels(layer)
    assert "layer of your own" in caught.value.hint


def test_areas_that_were_drawn_are_areas_and_the_split_is_none(make_labels):
    layer = make_labels(**ROLES)
    mark(layer, AREAS)
    assert take_areas(layer).kept == (0,)
    mark(layer, SPLIT)
    with pytest.raises(InputError, match="it holds the split of a run"):
        take_areas(layer)


def test_the_areas_in_a_runs_folder_are_areas_but_none_to_draw_into(make_file, run_folder):
    layer = make_file(run_folder / "areas.gpkg", "areas")
    assert (find_kind(layer), read_mark(layer)) == (AREAS, "")
