"""Corrections on the map, and the run that improves a model by them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from osgeo import gdal
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsGeometry,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt import sip

from footprint_tuner.plugin.bridge.layers.layer_checks import take_labels
from footprint_tuner.plugin.bridge.layers.polygon_copy import copy_polygons
from footprint_tuner.plugin.bridge.review.improve.controller import Improver
from footprint_tuner.plugin.bridge.review.improve.corrections import copy_footprints, is_shown
from footprint_tuner.plugin.core.errors import RunError
from footprint_tuner.plugin.core.folder import RunFolder
from footprint_tuner.plugin.core.job import load_job
from footprint_tuner.plugin.core.run_record import read_record
from footprint_tuner.ui.review.improve import ImprovePanel
from tests.bridge.conftest import LEFT, PIXEL, TOP
from tests.bridge.errorfile import write_errors, write_run

SIDE = 64 * PIXEL


@pytest.fixture
def record(tmp_path, make_raster, make_labels):
    """A finished run with two footprints, whose right half is held out."""
    raster = make_raster()
    folder = write_run(tmp_path / "run")
    folder.job.write_text(json.dumps({"raster": raster.source(), "labels": "labels.gpkg"}), encoding="utf-8")
    gdal.Translate(str(folder.probability), raster.source(), bandList=[1])
    copy_polygons(take_labels(make_labels()), folder.footprints, lambda: False)
    write_errors(folder.split, {"blocks": ()})
    blocks = QgsVectorLayer("Polygon?crs=EPSG:32645&field=role:string", "blocks", "memory")
    for role, left in (("training", 0), ("held-out", SIDE / 2)):
        feature = QgsFeature(blocks.fields())
        feature.setAttributes([role])
        feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(LEFT + left, TOP - SIDE, LEFT + left + SIDE / 2, TOP)))
        blocks.dataProvider().addFeatures([feature])
    folder.split.unlink()
    gdal.VectorTranslate(str(folder.split), _save(blocks, tmp_path / "blocks.gpkg"), layerName="blocks")
    folder.model.write_bytes(b"weights")
    return read_record(folder.path)


def _save(layer, path):
    from_layer = take_labels(layer)
    polygons = type(from_layer)(from_layer.name, from_layer.crs, from_layer.fields, (0,), from_layer.read)
    copy_polygons(polygons, path, lambda: False)
    return str(path)


@pytest.fixture
def panel(window):
    return ImprovePanel(window.window)


@pytest.fixture
def improver(window, panel, record, wait_until):
    window.canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32645"))
    made = Improver(window, panel)
    made.open(record)
    yield made
    if not sip.isdeleted(made):
        made.stop()


@pytest.fixture
def begun(improver, panel, record, wait_until):
    """Corrections that were begun."""
    panel.correctButton.click()
    wait_until(panel.markButton.isEnabled)
    panel.markButton.click()
    return improver


def rectangle(left, top, width, height):
    return QgsGeometry.fromRect(QgsRectangle(LEFT + left, TOP - top - height, LEFT + left + width, TOP - top))


def find_layer(record, name):
    source = f"{record.folder.corrections.as_posix()}|layername={name}"
    (layer,) = (each for each in QgsProject.instance().mapLayers().values() if each.source() == source)
    return layer


def test_correcting_opens_a_copy_and_leaves_the_runs_footprints_alone(begun, window, record):
    before = record.folder.footprints.read_bytes()
    layer = find_layer(record, "footprints")
    assert layer.isEditable()
    assert window.active is layer
    assert layer.featureCount() == 2
    layer.deleteFeature(next(layer.getFeatures()).id())
    assert layer.commitChanges()
    assert record.folder.footprints.read_bytes() == before


def test_pressing_again_goes_on_where_it_was_left(begun, panel, record):
    layer = find_layer(record, "footprints")
    layer.deleteFeature(next(layer.getFeatures()).id())
    panel.correctButton.click()
    assert find_layer(record, "footprints") is layer
    assert layer.featureCount() == 1
    assert panel.correctButton.text() == "&1. Continue correcting"


def test_corrections_are_gone_on_with_after_a_restart(begun, panel, record):
    begun.marker.tool.drawn.emit(rectangle(1, 3, 10, 10))
    assert find_layer(record, "checked").commitChanges()
    find_layer(record, "footprints").rollBack()
    begun.close()
    QgsProject.instance().clear()
    begun.open(record)
    assert panel.correctButton.text() == "&1. Continue correcting"
    assert panel.checkedLabel.text() == "Corrections were started. 1 area is checked."
    assert not panel.markButton.isEnabled()
    panel.correctButton.click()
    assert panel.markButton.isEnabled()
    assert is_shown(record.folder)


def test_marked_ground_is_an_edit_that_can_be_undone(begun, panel, record, window, wait_until):
    begun.marker.tool.drawn.emit(rectangle(1, 3, 10, 10))
    checked = find_layer(record, "checked")
    wait_until(lambda: panel.checkedLabel.text() == "1 area is checked. In the checked area: 1 footprint.")
    assert [feature["role"] for feature in checked.getFeatures()] == ["training"]
    assert window.active is checked
    checked.undoStack().undo()
    assert checked.featureCount() == 0
    wait_until(lambda: panel.checkedLabel.text() == "No area is marked as checked yet.")


def test_ground_outside_the_raster_is_refused(begun, record, window):
    begun.marker.tool.drawn.emit(rectangle(1000, 0, 10, 10))
    assert list(find_layer(record, "checked").getFeatures()) == []
    assert "outside the raster" in window.read_messages()[-1]


def test_held_out_ground_is_told_to_be_never_learnt_from(begun, panel):
    begun.marker.tool.drawn.emit(rectangle(2, 2, 5, 5))
    assert panel.improveLabel.text() == ""
    begun.marker.tool.drawn.emit(rectangle(14, 2, 5, 5))
    assert panel.improveLabel.text().startswith("A part of this area is held-out")
    begun.marker.tool.drawn.emit(rectangle(20, 2, 5, 5))
    assert panel.improveLabel.text().startswith("This area is held-out")


def test_improving_without_checked_ground_says_what_to_do(begun, panel):
    heard = []
    begun.run_requested.connect(heard.append)
    panel.improveButton.click()
    assert heard == []
    assert panel.improveLabel.text().startswith("No area is marked as checked. Press Mark checked area")


def test_a_model_that_is_gone_is_told(begun, panel, record):
    begun.marker.tool.drawn.emit(rectangle(1, 3, 10, 10))
    record.folder.model.unlink()
    panel.improveButton.click()
    assert "model.safetensors is no longer in the run's folder" in panel.improveLabel.text()


def test_layers_that_left_the_project_are_offered_again(begun, panel, record, wait_until):
    begun.marker.tool.drawn.emit(rectangle(1, 3, 10, 10))
    assert find_layer(record, "checked").commitChanges()
    QgsProject.instance().removeMapLayer(find_layer(record, "footprints"))
    assert not panel.improveButton.isEnabled()
    assert not panel.markButton.isChecked()
    panel.correctButton.click()
    layer = find_layer(record, "footprints")
    wait_until(lambda: panel.checkedLabel.text().endswith("area: 1 footprint."))
    layer.deleteFeatures([feature.id() for feature in layer.getFeatures()])
    wait_until(lambda: panel.checkedLabel.text().endswith("area: 0 footprints."))


def test_an_improving_run_gets_the_corrections_as_they_stand_and_the_earlier_split(begun, panel, record, tmp_path):
    begun.marker.tool.drawn.emit(rectangle(1, 3, 10, 10))
    layer = find_layer(record, "footprints")
    added = QgsFeature(layer.fields())
    added.setGeometry(rectangle(2, 2, 3, 3))
    layer.addFeature(added)
    heard = []
    begun.run_requested.connect(heard.append)
    panel.improveButton.click()
    new = RunFolder(tmp_path / "improved")
    new.path.mkdir()
    heard[0].write_to(new, lambda: False)
    assert new.earlier.read_bytes() == record.folder.split.read_bytes()
    assert new.earlier_report.read_bytes() == record.folder.report.read_bytes()
    job = load_job(new.job)
    assert job.base_model == str(record.folder.card)
    assert job.parent == str(record.folder.path)
    assert job.earlier == str(new.earlier)
    labels = QgsVectorLayer(f"{new.labels}|layername=labels")
    assert labels.featureCount() == 2  # the one that is not saved yet, and not the one beyond the checked ground
    areas = QgsVectorLayer(f"{new.areas}|layername=areas")
    assert [feature["role"] for feature in areas.getFeatures()] == ["training"]


def test_ground_without_any_building_is_a_correction_too(begun, panel, record, tmp_path):
    begun.marker.tool.drawn.emit(rectangle(1, 20, 5, 5))
    heard = []
    begun.run_requested.connect(heard.append)
    panel.improveButton.click()
    new = RunFolder(tmp_path / "improved")
    new.path.mkdir()
    heard[0].write_to(new, lambda: False)
    assert QgsVectorLayer(f"{new.labels}|layername=labels").featureCount() == 0


@pytest.mark.parametrize("has_exceptions", [True, False])
def test_a_broken_off_copy_leaves_no_corrections(record, has_exceptions):
    """Whether GDAL raises is another plugin's choice, too."""
    whole = record.folder.footprints.read_bytes()
    (gdal.UseExceptions if has_exceptions else gdal.DontUseExceptions)()
    try:
        record.folder.footprints.write_bytes(b"no GeoPackage")
        with pytest.raises(RunError, match="could not be written"):
            copy_footprints(record.folder)
        record.folder.footprints.write_bytes(whole)
        with pytest.raises(RunError, match="could not be written"):
            copy_footprints(record.folder, lambda: True)
        assert gdal.GetUseExceptions() == has_exceptions
    finally:
        gdal.UseExceptions()
    assert [path.name for path in record.folder.path.glob("corrections*")] == []


def test_closing_the_run_while_the_footprints_are_copied_ends_the_copy(improver, panel, record):
    panel.correctButton.click()
    assert not panel.correctButton.isEnabled()
    improver.close()
    assert list(record.folder.path.glob("*.part*")) == []
    assert panel.checkedLabel.text() == "Nothing is corrected yet."


def press_improve(improver, panel):
    """Return what the run is given, None (and the sentence stands in the panel) where it is refused."""
    heard = []
    improver.run_requested.connect(heard.append)
    panel.improveButton.click()
    improver.run_requested.disconnect(heard.append)
    return heard[0] if heard else None


def test_checked_ground_that_is_all_held_out_is_refused(begun, panel):
    begun.marker.tool.drawn.emit(rectangle(20, 2, 5, 5))
    assert press_improve(begun, panel) is None
    assert "All of the checked area is held-out or validation area" in panel.improveLabel.text()
    begun.marker.tool.drawn.emit(rectangle(2, 2, 5, 5))
    assert press_improve(begun, panel) is not None


def test_a_raster_that_is_gone_is_told_before_the_run(begun, panel, record):
    begun.marker.tool.drawn.emit(rectangle(1, 3, 10, 10))
    Path(record.raster).unlink()
    assert press_improve(begun, panel) is None
    assert "is not where it was" in panel.improveLabel.text()


def test_corrections_that_were_deleted_beneath_their_layers_are_told(begun, panel, record):
    begun.marker.tool.drawn.emit(rectangle(1, 3, 10, 10))
    record.folder.corrections.unlink()
    assert press_improve(begun, panel) is None
    assert "no longer in the run's folder" in panel.improveLabel.text()


def test_corrections_that_cannot_be_read_are_told_and_stay_as_they_are(improver, panel, record):
    record.folder.corrections.write_bytes(b"no GeoPackage")
    improver.open(record)
    panel.correctButton.click()
    assert "The corrections cannot be read" in panel.improveLabel.text()
    assert not panel.markButton.isEnabled()
    assert record.folder.corrections.read_bytes() == b"no GeoPackage"


def test_layers_that_may_not_be_edited_are_told(begun, panel, record, window):
    layer = find_layer(record, "footprints")
    layer.rollBack()
    layer.setReadOnly(True)
    panel.correctButton.click()
    assert 'The layer "Corrected footprints" cannot be edited.' in panel.improveLabel.text()
    find_layer(record, "checked").setReadOnly(True)
    begun.marker.tool.drawn.emit(rectangle(1, 3, 10, 10))
    assert 'The layer "Checked areas" cannot be edited.' in window.read_messages()[-1]


@pytest.fixture
def predict(project, make_labels):
    """A footprint and checked ground that somebody drew elsewhere, in another coordinate system."""
    to_degrees = QgsCoordinateTransform(
        QgsCoordinateReferenceSystem("EPSG:32645"), QgsCoordinateReferenceSystem("EPSG:4326"), project
    )
    layers = []
    for shape in (rectangle(2, 4, 8, 8), rectangle(1, 3, 10, 10)):
        shape.transform(to_degrees)
        layers.append(project.addMapLayer(make_labels(shape.asWkt(12), crs="EPSG:4326")))
    return layers


def test_corrections_may_come_from_other_layers(improver, panel, record, predict, tmp_path, wait_until):
    assert not panel.improveButton.isEnabled()
    panel.otherCheck.click()
    assert press_improve(improver, panel) is None
    assert "Choose the layer of corrected footprints" in panel.improveLabel.text()
    for combo, layer in zip((panel.correctedCombo, panel.groundCombo), predict):
        combo.setLayer(layer)
    wait_until(lambda: panel.checkedLabel.text() == "1 area is checked. In the checked area: 1 footprint.")
    new = RunFolder(tmp_path / "improved")
    new.path.mkdir()
    press_improve(improver, panel).write_to(new, lambda: False)
    assert [QgsVectorLayer(f"{path}").featureCount() for path in (new.labels, new.areas)] == [1, 1]
    assert not record.folder.corrections.exists()
    panel.otherCheck.click()
    assert not panel.improveButton.isEnabled()
    assert panel.checkedLabel.text() == "Nothing is corrected yet."
