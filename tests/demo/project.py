"""The sample city as a QGIS project, and the plugin's dock in the window."""

from osgeo import gdal
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QAction, QDockWidget
from qgis.utils import iface

from tests.demo.picture import style_sample

SPINS = {"epochs": "epochsSpin", "rate": "rateSpin", "batch": "batchSpin", "tile": "tileSpin", "samples": "samplesSpin"}
SMALL_ORIGIN_PX = (1792, 256)
RASTER, LABELS, AREAS = "Banepa (OpenAerialMap)", "Buildings (OpenStreetMap)", "Areas"


def open_sample(sample, path):
    """Make a project of the sample, saved, with the raster below the labels and the areas."""
    project = QgsProject.instance()
    project.setCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    raster = QgsRasterLayer(str(sample / "raster.tif"), RASTER)
    labels = QgsVectorLayer(f"{sample}/labels.gpkg|layername=buildings", LABELS)
    areas = QgsVectorLayer(f"{sample}/areas.gpkg|layername=areas", AREAS)
    style_sample(labels, areas)
    for layer in (raster, labels, areas):
        if layer.isValid():
            project.addMapLayer(layer)
    iface.mapCanvas().setExtent(areas.extent() if areas.isValid() else raster.extent())
    project.write(str(path))


def choose(dock):
    """Choose the sample's layers in the dock's combo boxes."""
    for combo, name in (("rasterCombo", RASTER), ("labelCombo", LABELS), ("areasCombo", AREAS)):
        for layer in QgsProject.instance().mapLayersByName(name):
            dock.findChild(object, combo).setLayer(layer)


def fill_form(dock, wishes):
    """Choose the base model and the settings that are asked for, as a person would by the dock's own widgets."""
    if "model" in wishes:
        combo = dock.findChild(object, "modelCombo")
        index = combo.findData(wishes["model"])
        if index < 0:
            raise ValueError(f"There is no base model {wishes['model']} in the dock.")
        combo.setCurrentIndex(index)
    for name, spin in SPINS.items():
        if name in wishes:
            dock.findChild(object, spin).setValue(wishes[name])


def cut_sample(sample, side_px):
    """Write a square of the sample's held-out ground, which is wholly mapped, without areas; returns its folder."""
    folder = sample.parent / f"small_{side_px}"
    folder.mkdir(exist_ok=True)
    gdal.Translate(str(folder / "raster.tif"), str(sample / "raster.tif"), srcWin=[*SMALL_ORIGIN_PX, side_px, side_px])
    raster = QgsRasterLayer(str(folder / "raster.tif"), RASTER)
    degrees = QgsCoordinateReferenceSystem("EPSG:4326")
    box = QgsCoordinateTransform(raster.crs(), degrees, QgsProject.instance()).transformBoundingBox(raster.extent())
    corners = [str(each) for each in (box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum())]
    options = ["-f", "GPKG", "-clipsrc", *corners, "-nln", "buildings"]
    gdal.VectorTranslate(str(folder / "labels.gpkg"), str(sample / "labels.gpkg"), options=options)
    return folder


def open_dock():
    """Open the dock by the plugin's action, and return it."""
    action = iface.mainWindow().findChild(QAction, "FootprintTunerAction")
    if action is None:
        raise RuntimeError("QGIS did not load the plugin: its action is missing.")
    action.trigger()
    dock = iface.mainWindow().findChild(QDockWidget, "FootprintTunerDock")
    iface.mainWindow().resizeDocks([dock], [400], Qt.Orientation.Horizontal)
    for name in ("Browser", "Browser2"):
        other = iface.mainWindow().findChild(QDockWidget, name)
        if other is not None:
            other.close()
    return dock
