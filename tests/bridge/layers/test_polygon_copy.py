"""Copies of labels and areas: what arrives in the run's folder, and that the user's layers stay as they are."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest
from qgis.core import QgsGeometry, QgsVectorLayer, QgsWkbTypes

from footprint_tuner.plugin.bridge.layers.layer_checks import take_areas, take_labels
from footprint_tuner.plugin.bridge.layers.polygon_copy import CopyCancelled, copy_polygons, straighten
from footprint_tuner.plugin.core.errors import InputError, RunError


def never():
    return False


def copy(polygons, path, **options):
    empty = copy_polygons(polygons, path, never, **options)
    layer = QgsVectorLayer(str(path), "copy", "ogr")
    assert layer.isValid()
    return layer, empty


def list_wkts(layer):
    return [feature.geometry().asWkt(1) for feature in layer.getFeatures()]


def test_labels_arrive_with_their_coordinate_system_as_multipolygons(make_labels, square, tmp_path):
    copied, empty = copy(take_labels(make_labels()), tmp_path / "labels.gpkg")
    assert copied.crs().authid() == "EPSG:32645"
    assert copied.wkbType() == QgsWkbTypes.MultiPolygon
    assert (copied.featureCount(), empty) == (2, 0)
    assert copied.extent() == make_labels().extent()
    assert [path.name for path in tmp_path.glob("*.gpkg*")] == ["labels.gpkg"]


def test_unsaved_edits_arrive_and_stay_unsaved(make_labels, square, draw, tmp_path):
    layer = make_labels()
    layer.startEditing()
    draw(layer, [square(2)])
    layer.changeGeometry(1, QgsGeometry.fromWkt(square(3)))
    layer.deleteFeature(2)
    copied, _ = copy(take_labels(layer), tmp_path / "labels.gpkg")
    assert set(list_wkts(copied)) == {straighten(QgsGeometry.fromWkt(square(n))).asWkt(1) for n in (2, 3)}
    assert layer.isEditable()
    assert layer.isModified()
    assert layer.editBuffer().addedFeatures()


def test_edits_made_after_the_click_do_not_arrive(make_labels, square, draw, tmp_path):
    layer = make_labels()
    layer.startEditing()
    taken = take_labels(layer)
    draw(layer, [square(2)])
    assert copy(taken, tmp_path / "labels.gpkg")[0].featureCount() == 2


def test_only_the_selected_labels_arrive_where_that_is_asked(make_labels, square, tmp_path):
    layer = make_labels(square(0), square(1), square(2))
    layer.selectByIds([2])
    copied, _ = copy(take_labels(layer, only_selected=True), tmp_path / "labels.gpkg")
    assert copied.extent() == layer.boundingBoxOfSelected()
    assert copied.featureCount() == 1
    assert layer.selectedFeatureIds() == [2]


def test_a_filter_on_the_layer_is_kept_to(make_labels, tmp_path):
    copy(take_areas(make_labels(fields="&field=role:string", values=["training", "held-out"])), tmp_path / "a.gpkg")
    layer = QgsVectorLayer(str(tmp_path / "a.gpkg"), "houses", "ogr")
    layer.setSubsetString("role = 'training'")
    assert copy(take_labels(layer), tmp_path / "b.gpkg")[0].featureCount() == 1


def test_labels_in_another_coordinate_system_keep_it(make_labels, tmp_path):
    layer = make_labels("POLYGON((85.5 27.6,85.6 27.6,85.6 27.7,85.5 27.6))", crs="EPSG:4326")
    copied, _ = copy(take_labels(layer), tmp_path / "labels.gpkg")
    assert copied.crs().authid() == "EPSG:4326"
    assert copied.extent() == layer.extent()


def test_a_coordinate_system_of_the_users_own_arrives(make_labels, tmp_path):
    layer = make_labels()
    proj = "+proj=tmerc +lat_0=27 +lon_0=85.5 +k=1 +x_0=1000 +y_0=2000 +ellps=WGS84 +units=m +no_defs"
    layer.setCrs(type(layer.crs()).fromProj(proj))
    copied, _ = copy(take_labels(layer), tmp_path / "labels.gpkg")
    assert "1000" in copied.crs().toProj()
    assert "85.5" in copied.crs().toProj()


def test_areas_arrive_with_their_role_and_nothing_else(make_labels, tmp_path):
    layer = make_labels(fields="&field=role:string", values=["training", "held-out"])
    copied, _ = copy(take_areas(layer), tmp_path / "areas.gpkg")
    assert copied.fields().names() == ["fid", "role"]
    assert [feature["role"] for feature in copied.getFeatures()] == ["training", "held-out"]


def test_labels_without_a_geometry_are_passed_over_and_counted(make_labels, square, tmp_path):
    copied, empty = copy(take_labels(make_labels(square(0), None, "POLYGON EMPTY")), tmp_path / "labels.gpkg")
    assert (copied.featureCount(), empty) == (1, 2)


def test_labels_of_which_none_has_a_geometry_are_refused_and_leave_no_file(make_labels, tmp_path):
    with pytest.raises(InputError, match="houses"):
        copy_polygons(take_labels(make_labels(None, None)), tmp_path / "labels.gpkg", never)
    assert list(tmp_path.glob("*")) == []


def test_an_empty_layer_is_copied_where_that_is_allowed(make_labels, tmp_path):
    copied, _ = copy(take_labels(make_labels(None)), tmp_path / "labels.gpkg", may_be_empty=True)
    assert copied.featureCount() == 0


@pytest.mark.parametrize(
    ("wkt", "expected"),
    [
        ("PolygonZM((0 0 5 6,1 0 5 6,1 1 5 6,0 0 5 6))", "MultiPolygon (((0 0, 1 0, 1 1, 0 0)))"),
        (
            "MultiPolygonZ(((0 0 1,1 0 1,1 1 1,0 0 1)),((5 5 1,6 5 1,6 6 1,5 5 1)))",
            "MultiPolygon (((0 0, 1 0, 1 1, 0 0)),((5 5, 6 5, 6 6, 5 5)))",
        ),
        ("GeometryCollection(Point(1 1),Polygon((0 0,1 0,1 1,0 0)))", "MultiPolygon (((0 0, 1 0, 1 1, 0 0)))"),
        ("Triangle((0 0,1 0,1 1,0 0))", "MultiPolygon (((0 0, 1 0, 1 1, 0 0)))"),
        ("Point(1 1)", ""),
        ("GeometryCollection(Point(1 1))", "MultiPolygon EMPTY"),
    ],
)
def test_heights_measures_and_bystanders_are_dropped_and_parts_are_kept(wkt, expected):
    assert straighten(QgsGeometry.fromWkt(wkt)).asWkt(0) == expected


@pytest.mark.parametrize(
    "wkt",
    [
        "CurvePolygon(CircularString(0 0,10 10,20 0,10 -10,0 0))",
        "CurvePolygonZ(CompoundCurveZ(CircularStringZ(0 0 3,10 10 3,20 0 3,10 -10 3,0 0 3)))",
        "MultiSurface(CurvePolygon(CircularString(0 0,10 10,20 0,10 -10,0 0)))",
    ],
)
def test_a_round_house_keeps_its_area_without_curves(make_labels, tmp_path, wkt):
    layer = make_labels(wkt, kind="CurvePolygon" if wkt.startswith("Curve") else "MultiSurface")
    copied, _ = copy(take_labels(layer), tmp_path / "labels.gpkg")
    (house,) = copied.getFeatures()
    assert house.geometry().wkbType() == QgsWkbTypes.MultiPolygon
    assert house.geometry().area() == pytest.approx(314.16, rel=1e-3)


def test_an_invalid_label_arrives_as_it_is_for_the_worker_to_repair_and_count(make_labels, tmp_path):
    bow = "POLYGON((0 0,1 1,1 0,0 1,0 0))"
    assert list_wkts(copy(take_labels(make_labels(bow)), tmp_path / "a.gpkg")[0]) == [
        "MultiPolygon (((0 0, 1 1, 1 0, 0 1, 0 0)))"
    ]


def test_a_cancel_while_copying_is_heard_and_leaves_no_file(make_labels, tmp_path):
    with pytest.raises(CopyCancelled):
        copy_polygons(take_labels(make_labels()), tmp_path / "labels.gpkg", lambda: True)
    assert list(tmp_path.glob("*")) == []


def test_a_folder_that_is_gone_is_told_with_a_next_step(make_labels, tmp_path):
    with pytest.raises(RunError) as caught:
        copy_polygons(take_labels(make_labels()), tmp_path / "gone" / "labels.gpkg", never)
    assert "labels.gpkg could not be written" in caught.value.message
    assert "read-only" in caught.value.hint


FULL_DISK = """
import resource, sys
sys.path[:0] = {path!r}
from pathlib import Path
from qgis.core import QgsFeature, QgsGeometry, QgsVectorLayer
from qgis.testing import start_app
from footprint_tuner.plugin.bridge.layers.polygon_copy import copy_polygons
from footprint_tuner.plugin.bridge.layers.layer_checks import take_labels
from footprint_tuner.plugin.core.errors import RunError
start_app(cleanup=False)
layer = QgsVectorLayer("Polygon?crs=EPSG:32645", "houses", "memory")
house = QgsFeature()
house.setGeometry(QgsGeometry.fromWkt("POINT(500000 3000000)").buffer(10, 200))
layer.dataProvider().addFeatures([house] * 200)
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
try:
    copy_polygons(take_labels(layer), Path({folder!r}) / "labels.gpkg", lambda: False)
except RunError as error:
    print("REFUSED", error.message, error.hint)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a file's size to stand in for a full disk")
def test_a_full_disk_is_told_with_a_next_step_and_leaves_no_file(tmp_path):
    assert resource.RLIM_INFINITY in resource.getrlimit(resource.RLIMIT_FSIZE)
    script = FULL_DISK.format(path=sys.path, folder=str(tmp_path))
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60).stdout
    assert f"REFUSED {tmp_path / 'labels.gpkg'} could not be written" in said
    assert "Is the disk full" in said
    assert list(tmp_path.glob("*")) == []
