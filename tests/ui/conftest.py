"""What the tests of the forms share: a QGIS without a window, a dock that is 320 pixels wide, and layers."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # without it Qt ends the process where there is no screen

from osgeo import gdal, osr
from qgis.core import QgsFeature, QgsGeometry, QgsProject, QgsRasterLayer, QgsRectangle, QgsSettings, QgsVectorLayer
from qgis.PyQt.QtCore import QCoreApplication, QEvent, QObject, QSettings, Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QDialog
from qgis.testing import start_app

from footprint_tuner.plugin.core.models import list_cards
from footprint_tuner.ui.dock import TunerDock
from tests.qt_events import settle_events

gdal.UseExceptions()
RASTER = "ncols 4\nnrows 4\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9999\n" + "1 2 3 4\n" * 4


@pytest.fixture(scope="session", autouse=True)
def application(tmp_path_factory):
    """The running QGIS, with settings of the tests' own."""
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path_factory.mktemp("settings")))
    return start_app()


@pytest.fixture
def project():
    """The project, empty before and after."""
    QgsSettings().clear()
    made = QgsProject.instance()
    made.clear()
    yield made
    made.clear()


@pytest.fixture
def make_dock(project):
    """Return a function that opens a dock with the models that come with the plugin."""
    made = []

    def make(width=320, height=800):
        dock = TunerDock()
        made.append(dock)
        dock.show_models(list_cards())
        dock.resize(width, height)
        dock.show()
        settle_events()
        return dock

    yield make
    for dock in made:
        dock.hide()
        dock.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def dock(make_dock):
    return make_dock()


@pytest.fixture
def find(dock):
    """Return a function that gives the dock's widget of an object name, as the demo and the bridge look for it."""

    def look(name):
        widget = dock.findChild(QObject, name)
        assert widget is not None, f"the dock has no {name}"
        return widget

    return look


@pytest.fixture
def click(find):
    """Return a function that clicks the dock's widget of an object name, which must be visible."""

    def press(name):
        assert find(name).isVisible(), f"{name} cannot be seen"
        QTest.mouseClick(find(name), Qt.MouseButton.LeftButton)

    return press


@pytest.fixture
def listen():
    """Return a function that gives the list into which everything that a signal says goes."""

    def collect(signal):
        heard = []
        signal.connect(lambda *values: heard.append(values[0] if len(values) == 1 else values))
        return heard

    return collect


def take(layer, dock):
    """Choose a layer in the dock where none of its kind is chosen yet, and return it."""
    form, page = dock.formPage, dock.predictPage
    is_raster = isinstance(layer, QgsRasterLayer)
    for combo in (form.rasterCombo, page.predictRasterCombo) if is_raster else (form.labelCombo, page.groundLayerCombo):
        if combo.currentLayer() is None:
            combo.setLayer(layer)
    return layer


@pytest.fixture
def raster(project, tmp_path, dock):
    """A raster in the project, chosen in the dock."""
    path = tmp_path / "raster.asc"
    path.write_text(RASTER)
    return take(project.addMapLayer(QgsRasterLayer(str(path), "a raster")), dock)


@pytest.fixture
def make_raster(project, tmp_path, dock):
    """Return a function that adds a GeoTIFF to the project: 0.5 m a pixel, with bands of any kind and names.

    The first one is chosen in the dock.
    """

    def make(bands=3, kind=gdal.GDT_Byte, options=("PHOTOMETRIC=RGB",), names=(), name="town"):
        path = tmp_path / f"{name}.tif"
        source = gdal.GetDriverByName("GTiff").Create(str(path), 8, 8, bands, kind, list(options))
        source.SetGeoTransform((500000, 0.5, 0, 3000000, 0, -0.5))
        crs = osr.SpatialReference()
        crs.ImportFromEPSG(32645)
        source.SetProjection(crs.ExportToWkt())
        for number in range(1, bands + 1):
            source.GetRasterBand(number).WriteRaster(0, 0, 8, 8, bytes(range(64)), buf_type=gdal.GDT_Byte)
        for number, text in enumerate(names, 1):
            source.GetRasterBand(number).SetDescription(text)
        del source
        return take(project.addMapLayer(QgsRasterLayer(str(path), name)), dock)

    return make


@pytest.fixture
def find_dialog(dock):
    """Return a function that gives the one open dialog of a class's name."""

    def look(kind):
        (found,) = (d for d in dock.findChildren(QDialog) if type(d).__name__ == kind and d.isVisible())
        return found

    return look


@pytest.fixture
def make_polygons(project, dock):
    """Return a function that adds a layer of three polygons to the project; the first one is chosen in the dock."""

    def make(name="labels"):
        layer = QgsVectorLayer("Polygon?crs=EPSG:3857", name, "memory")
        features = [QgsFeature() for _ in range(3)]
        for index, feature in enumerate(features):
            feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(index, 0, index + 0.5, 1)))
        layer.dataProvider().addFeatures(features)
        return take(project.addMapLayer(layer), dock)

    return make


@pytest.fixture
def labels(make_polygons):
    return make_polygons()


@pytest.fixture
def tuned_card(tmp_path):
    """The path of a tuned model's card, as a run leaves it beside the model's weights."""
    card = list_cards()[0]
    recipe = replace(card.recipe, tune_epochs=7)
    card = replace(card, title="Tuned on a town", description="Tuned.", is_finetuned=True, recipe=recipe)
    replace(card, name="tuned", weights="model.safetensors").save(tmp_path / "model.json")
    (tmp_path / "model.safetensors").write_bytes(b"")
    return tmp_path / "model.json"
