"""The findings of a check on the map, in the project, and from Processing."""

from __future__ import annotations

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProject,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.gui import QgsMapCanvas

from footprint_tuner.plugin.bridge.algorithms.check import CheckAlgorithm
from footprint_tuner.plugin.bridge.tuning.findings import add_layer, make_layer, zoom_to
from footprint_tuner.plugin.core.events import ADVICE, WARNING, Finding

BOX = [500002.0, 2999988.0, 500010.0, 2999996.0]
OTHER = [500102.0, 2999988.0, 500110.0, 2999996.0]
TWINS = Finding("twins", WARNING, "2 labels lie on others.", "Delete them.", 2, [BOX, OTHER], "EPSG:32645")
TINY = Finding("tiny", ADVICE, "One label is tiny.", "Delete it.", 1, [BOX], "EPSG:32645")
FEW = Finding("few_to_learn", WARNING, "Only 20 buildings.", "Label more.", 20)


@pytest.fixture
def canvas(project):
    made = QgsMapCanvas()
    made.resize(400, 300)
    yield made
    made.deleteLater()


@pytest.mark.parametrize("crs", ["EPSG:32645", "EPSG:3857", "EPSG:4326"])
def test_zooming_shows_the_place_and_what_is_around_it_in_any_projects_system(canvas, crs):
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem(crs))
    zoom_to(canvas, BOX, "EPSG:32645")
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32645"))
    shown = canvas.extent()
    assert shown.center().x() == pytest.approx(500006, abs=1)
    assert shown.center().y() == pytest.approx(2999992, abs=1)
    assert 16 < shown.height() < 60


def test_a_coordinate_system_may_come_as_wkt(canvas):
    wkt = QgsCoordinateReferenceSystem("EPSG:32645").toWkt()
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32645"))
    zoom_to(canvas, BOX, wkt)
    assert canvas.extent().center().x() == pytest.approx(500006, abs=1)


def test_a_place_that_the_map_cannot_show_leaves_it_as_it_was(canvas):
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32645"))
    zoom_to(canvas, BOX, "EPSG:32645")
    before = canvas.extent()
    zoom_to(canvas, [0.0, 200.0, 1.0, 201.0], "EPSG:4326")
    assert canvas.extent() == before


def test_the_layer_has_a_box_for_every_place_with_its_sentence_and_level():
    layer = make_layer([TWINS, FEW, TINY])
    rows = [(feature["level"], feature["kind"], feature["message"], feature["hint"]) for feature in layer.getFeatures()]
    assert rows == [(TWINS.level, "twins", TWINS.message, TWINS.hint)] * 2 + [(ADVICE, "tiny", TINY.message, TINY.hint)]
    assert layer.crs().authid() == "EPSG:32645"
    assert layer.wkbType() == QgsWkbTypes.Type.Polygon
    boxes = [feature.geometry().boundingBox() for feature in layer.getFeatures()]
    assert [[box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()] for box in boxes] == [BOX, OTHER, BOX]


def test_each_level_has_a_colour_of_its_own():
    layer = make_layer([TWINS])
    categories = layer.renderer().categories()
    strokes = {category.symbol().symbolLayer(0).strokeColor().name() for category in categories}
    assert len(strokes) == 3


def test_a_second_layer_takes_the_place_of_the_first_on_top(project, make_labels):
    project.addMapLayer(make_labels())
    first = add_layer(project, [TWINS])
    second = add_layer(project, [TINY], first)
    assert project.mapLayer(first) is None
    assert project.layerTreeRoot().children()[0].layerId() == second
    assert project.mapLayer(second).featureCount() == 1
    assert isinstance(QgsProject.instance().mapLayer(second), QgsVectorLayer)


def test_the_algorithm_lists_them_by_weight_and_gives_their_places_as_a_layer(
    environment, project, make_raster, make_labels, tmp_path
):
    layers = project.addMapLayers([make_raster(), make_labels()])
    context = QgsProcessingContext()
    context.setProject(project)
    files = {"REPORT": str(tmp_path / "check.html"), "FINDINGS": str(tmp_path / "findings.gpkg")}
    parameters = {"RASTER": layers[0], "LABELS": layers[1].id(), **files}
    algorithm = CheckAlgorithm().create()
    results, is_good = algorithm.run(parameters, context, QgsProcessingFeedback(False), {}, False)
    assert is_good
    said = ["Warning: One label lies exactly on another. Delete it.", "Advice: One label is tiny. Delete it."]
    assert results["TEXT"].splitlines()[-2:] == said
    page = (tmp_path / "check.html").read_text("utf-8")
    assert page.index("<li><b>Warning.</b> One label lies exactly on another.") < page.index("One label is tiny.")
    layer = QgsVectorLayer(files["FINDINGS"], "", "ogr")
    (found,) = layer.getFeatures()
    assert (found["level"], found["kind"], layer.crs().authid()) == ("warning", "twins", "EPSG:32645")
    assert found.geometry().boundingBox().center().x() == 500006
