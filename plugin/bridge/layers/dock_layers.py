"""The lists of layers in the dock: what each offers, and what the project remembers of it. Main thread only."""

from __future__ import annotations

from qgis.PyQt.QtCore import QObject

from ....ui.dock import TunerDock
from .chosen_layers import ChosenLayers
from .offered_layers import OfferedLayers
from .own_layers import AREAS


class DockLayers(QObject):
    """Lets the dock's lists offer the user's layers, and makes the project's choices."""

    def __init__(self, dock: TunerDock, parent: QObject | None = None) -> None:
        """Begin with the project that is open."""
        super().__init__(parent)
        form, page = dock.formPage, dock.predictPage
        lists = {
            "raster": form.rasterCombo,
            "labels": form.labelCombo,
            "areas": form.settingsGroup.areasCombo,
            "predict_raster": page.predictRasterCombo,
            "predict_ground": page.groundLayerCombo,
        }
        allowed = {"raster": (), "labels": (), "areas": (AREAS,), "predict_raster": ()}
        self._offered = OfferedLayers([(lists[name], kinds) for name, kinds in allowed.items()], self)
        self._chosen = ChosenLayers(lists, self)

    def stop(self) -> None:
        """Leave the project alone; a second time does nothing."""
        self._chosen.stop()
        self._offered.stop()
