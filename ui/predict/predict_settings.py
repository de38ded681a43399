"""What the tab for predicting remembers from one session of QGIS to the next."""

from __future__ import annotations

import json

from qgis.core import QgsSettings

from ..tuning.form_settings import parse_bands
from .predict_page import PredictPage

_PREFIX = "footprint_tuner/predict/"


class PredictSettings:
    """Stores the choices of the tab with QgsSettings; its layers are the project's to remember."""

    def __init__(self, page: PredictPage) -> None:
        """Remember nothing yet."""
        self._page = page
        page.predict_requested.connect(lambda _: self.store())

    def store(self) -> None:
        """Store the choices."""
        page, settings = self._page, QgsSettings()
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
