"""What the tab for predicting remembers from one session of QGIS to the next."""

from __future__ import annotations

import json

from qgis.core import QgsSettings

from ..tuning.form_settings import choose_layer, parse_bands
from .predict_page import PredictPage

_PREFIX = "footprint_tuner/predict/"


class PredictSettings:
    """Stores the choices of the tab with QgsSettings; the raster is chosen as soon as it is in the project."""

    def __init__(self, page: PredictPage) -> None:
        """Remember nothing yet."""
        self._page = page
        self._wanted = ""
        page.predict_requested.connect(lambda _: self.store())
        page.predictRasterCombo.activated.connect(self._settle)
        page.predictRasterCombo.model().rowsInserted.connect(lambda *_: self._choose_raster())

    def store(self) -> None:
        """Store the choices."""
        page, settings = self._page, QgsSettings()
        layer = page.predictRasterCombo.currentLayer()
        settings.setValue(_PREFIX + "raster", layer.id() if layer else "")
        settings.setValue(_PREFIX + "model", page.predictModelPicker.base_model)
        settings.setValue(_PREFIX + "ground", page.groundCombo.currentData())
        settings.setValue(_PREFIX + "bands", json.dumps(page.predictBandsRow.kept))

    def restore(self) -> None:
        """Make the choices again; a model that cannot be used any more is left out."""
        page, settings = self._page, QgsSettings()
        page.predictBandsRow.show_kept(parse_bands(str(settings.value(_PREFIX + "bands", "{}"))))
        model = str(settings.value(_PREFIX + "model", ""))
        if model:
            page.choose_model(model)
        place = page.groundCombo.findData(str(settings.value(_PREFIX + "ground", "")))
        page.groundCombo.setCurrentIndex(max(0, place))
        self._wanted = str(settings.value(_PREFIX + "raster", ""))
        self._choose_raster()

    def _choose_raster(self) -> None:
        if choose_layer(self._page.predictRasterCombo, self._wanted):
            self._settle()

    def _settle(self, *_: object) -> None:
        self._wanted = ""
