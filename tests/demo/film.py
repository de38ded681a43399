"""A newcomer's first quarter of an hour, done in QGIS and photographed six times. Run by ``qgis --code``."""

import json
import os
import sys
import time
import traceback
from pathlib import Path

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QPoint, Qt, QTimer
from qgis.PyQt.QtTest import QTest
from qgis.utils import iface

ROOT = Path(os.environ["QGIS_PLUGINPATH"]).parents[1]
sys.path.insert(0, str(ROOT))

from tests.demo.project import LABELS, RASTER, choose, cut_sample, fill_form, open_dock, open_sample  # noqa: E402 - see above
from tests.demo.stage import fill_screen, leave, photograph, wait, wait_for_map  # noqa: E402 - as above

DEMO = ROOT / "build" / "demo"
FILM = DEMO / "film"
GROUND_M = 120.0
SAMPLES = 96
PATCHES = ((0.26, 0.26), (0.74, 0.26), (0.26, 0.74), (0.74, 0.74))
HALF = 0.2  # of a patch, as a share of the map


def press(button):
    """Click a button of the dock."""
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    wait(200)


def show_group(dock, group):
    """Open one group of the review, close the others, and bring it into sight."""
    page = dock.reviewPage
    for each in (page.errorsGroup, page.swipeGroup, page.thresholdGroup, page.improveGroup):
        each.setCollapsed(each is not group)
    wait(300)
    dock.reviewArea.ensureWidgetVisible(group)
    wait(200)


def show_only(*names):
    """Show these layers of the project, by the beginnings of their names."""
    for node in QgsProject.instance().layerTreeRoot().findLayers():
        node.setItemVisibilityChecked(node.name().startswith(names))


def follow(dock, picture=None):
    """Wait for the end of a run, with a picture after its first epoch."""
    while dock.state.name in ("RUNNING", "STOPPING"):
        wait(250)
        if picture is not None and dock.chart.epochs:
            photograph(picture)
            picture = None
    if dock.state.name != "ENDED" or dock.messageFrame.isVisible():
        raise RuntimeError(dock.messageFrame.messageLabel.text())


def take(picture):
    """Photograph the screen, as it is when the user has read QGIS's messages."""
    iface.messageBar().clearWidgets()
    wait(300)
    photograph(FILM / picture)


def find_middle(folder):
    """Return a part of held-out ground, and of the raster about it, no larger than that."""
    blocks = QgsVectorLayer(f"{folder}/split.gpkg|layername=blocks", "blocks")
    blocks.setSubsetString("role = 'held-out'")
    ground = QgsGeometry.unaryUnion([feature.geometry() for feature in blocks.getFeatures()])
    middle = ground.poleOfInaccessibility(1.0)[0].asPoint()
    (raster,) = QgsProject.instance().mapLayersByName(RASTER)
    extent, half = raster.extent(), GROUND_M / 2
    x = min(max(middle.x(), extent.xMinimum() + half), extent.xMaximum() - half)
    y = min(max(middle.y(), extent.yMinimum() + half), extent.yMaximum() - half)
    return QgsRectangle(x - half, y - half, x + half, y + half)


def find_training(folder):
    """Return the extent of a block that was learnt from, with many buildings on it."""
    blocks = QgsVectorLayer(f"{folder}/split.gpkg|layername=blocks", "blocks")
    features = [feature for feature in blocks.getFeatures() if feature["role"] == "training"]
    return max(features, key=lambda feature: feature["buildings"]).geometry().boundingBox()


def drag(start, end):
    """Drag over the map, from one place to another, as shares of its width and height."""
    canvas = iface.mapCanvas()
    view = canvas.viewport()
    places = [QPoint(int(x * canvas.width()), int(y * canvas.height())) for x, y in (start, end)]
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, places[0])
    for step in range(1, 6):
        QTest.mouseMove(view, places[0] + (places[1] - places[0]) * step / 5)
        wait(40)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, places[1])
    wait(200)


def correct(footprints, area):
    """Put the labels in place of the footprints on an area (the map's coordinates), as edits of the layer."""
    (labels,) = QgsProject.instance().mapLayersByName(LABELS)
    wrong = [each.id() for each in footprints.getFeatures(QgsFeatureRequest().setFilterRect(area))]
    footprints.deleteFeatures(wrong)
    request = (
        QgsFeatureRequest()
        .setFilterRect(area)
        .setDestinationCrs(footprints.crs(), QgsProject.instance().transformContext())
    )
    for label in labels.getFeatures(request):
        feature = QgsFeature(footprints.fields())
        feature.setGeometry(label.geometry())
        footprints.addFeature(feature)


def shorten(folder):
    """Let the improving run take fewer crops than the recipe says: the film is not about figures."""
    card = json.loads((folder / "model.json").read_text("utf-8"))
    card["recipe"]["samples_per_epoch"] = SAMPLES
    (folder / "model.json").write_text(json.dumps(card), "utf-8")


def begin(wishes):
    """Open an empty project, then the sample, and start tuning; returns the dock and the run's folder."""
    iface.newProject()
    dock = open_dock()
    wait(500)
    take("1_empty.png")
    open_sample(cut_sample(DEMO / "sample", wishes["small"]), FILM / "film.qgz")
    QgsProject.instance().setCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    iface.mapCanvas().zoomToFullExtent()
    choose(dock)
    fill_form(dock, wishes)
    wait_for_map()
    take("2_chosen.png")
    press(dock.formPage.trainButton)
    follow(dock, FILM / "3_tuning.png")
    return dock, Path(dock._folder)


def review(dock, folder):
    """Swipe between before and after, step to an error, move the threshold."""
    canvas, page = iface.mapCanvas(), dock.reviewPage
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))  # QGIS took the first layer's meanwhile
    dock.tabs.setCurrentWidget(dock.reviewTab)
    show_only("Banepa", "Footprints")
    canvas.setExtent(find_middle(folder))
    show_group(dock, page.swipeGroup)
    wait_for_map()
    press(page.swipePanel.swipeButton)
    wait(8000)
    drag((0.5, 0.5), (0.46, 0.5))
    take("4_swipe.png")
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    show_group(dock, page.errorsGroup)
    if not page.errorPanel.errorLayerCheck.isChecked():
        press(page.errorPanel.errorLayerCheck)
    page.errorPanel.errorTable.setFocus()
    for _ in range(2):
        QTest.keyClick(page.errorPanel.errorTable, Qt.Key.Key_N)
        wait_for_map()
    take("errors.png")


def improve(dock, folder):
    """Correct the footprints on four patches, mark them as checked, and improve."""
    canvas, panel = iface.mapCanvas(), dock.reviewPage.improvePanel
    show_group(dock, dock.reviewPage.improveGroup)
    canvas.setExtent(find_training(folder))
    show_only("Banepa", "Corrected", "Checked")
    press(panel.correctButton)
    while not panel.markButton.isEnabled():
        wait(100)
    show_only("Banepa", "Corrected", "Checked")
    footprints = iface.activeLayer()
    wait_for_map()
    press(panel.markButton)
    for x, y in PATCHES:
        corners = [(x - HALF, y - HALF), (x + HALF, y + HALF)]
        places = [QPoint(int(a * canvas.width()), int(b * canvas.height())) for a, b in corners]
        ends = [canvas.getCoordinateTransform().toMapCoordinates(place) for place in places]
        correct(footprints, QgsRectangle(*ends))
        drag(*corners)
    wait_for_map()
    take("5_corrected.png")
    shorten(folder)
    press(panel.improveButton)
    if panel.improveLabel.text().startswith("No "):
        raise RuntimeError(panel.improveLabel.text())
    follow(dock)
    for layer in QgsProject.instance().mapLayers().values():
        if isinstance(layer, QgsVectorLayer) and layer.isEditable():
            layer.commitChanges()
    show_only("Banepa", "Footprints")
    canvas.setExtent(find_middle(dock._folder))
    wait_for_map()
    take("6_improved.png")
    return Path(dock._folder)


def main():
    """Play the film, and leave QGIS whatever happened."""
    wishes = json.loads((DEMO / "wishes.json").read_text())
    began = time.monotonic()
    try:
        fill_screen()
        dock, folder = begin(wishes)
        tuned_s = time.monotonic() - began
        review(dock, folder)
        improved = improve(dock, folder)
        report = json.loads((improved / "report.json").read_text("utf-8"))
        chain = [{"role": link["role"], **link["building"]} for link in report["chain"]]
        told = {"chain": chain, "gain": report["gain"]["sentence"], "tuned_s": round(tuned_s)}
        told["seconds"] = round(time.monotonic() - began)
        (FILM / "film.json").write_text(json.dumps(told, indent=2))
    except Exception:  # noqa: BLE001 - QGIS would wait for ever
        (FILM / "film.log").write_text(traceback.format_exc())
        photograph(FILM / "broken.png")
    leave()


QTimer.singleShot(1500, main)
