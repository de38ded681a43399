"""The sample city as a QGIS project, and the plugin's dock in the window."""

from qgis.core import QgsCoordinateReferenceSystem, QgsProject, QgsRasterLayer, QgsVectorLayer
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QAction, QDockWidget
from qgis.utils import iface

from tests.demo.picture import style_sample

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
        project.addMapLayer(layer)
    iface.mapCanvas().setExtent(areas.extent())
    project.write(str(path))


def choose(dock):
    """Choose the sample's layers in the dock's combo boxes."""
    for combo, name in (("rasterCombo", RASTER), ("labelCombo", LABELS), ("areasCombo", AREAS)):
        dock.findChild(object, combo).setLayer(QgsProject.instance().mapLayersByName(name)[0])


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
