"""The plugin as QGIS knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, Qt
from qgis.PyQt.QtGui import QIcon

from ...ui.fields.actions import QAction
from ...ui.language import load_translation
from ..core.paths import RESOURCES
from .provider import TunerProvider
from .tuning.unfinished_run import find_unfinished

if TYPE_CHECKING:
    from qgis.gui import QgisInterface

    from ...ui.dock import TunerDock
    from .controller import Controller

ICON = RESOURCES / "icon.svg"


class TunerPlugin:
    """Adds a Processing provider, and in QGIS's window an action that opens the dock."""

    def __init__(self, iface: QgisInterface) -> None:
        """Speak QGIS's language; ``iface`` is QGIS's window, None in qgis_process."""
        self._iface = iface
        self._translator = load_translation(QgsApplication.locale(), RESOURCES / "i18n")
        if self._translator is not None:
            QCoreApplication.installTranslator(self._translator)
        self._provider: TunerProvider | None = None
        self._action: QAction | None = None
        self._dock: TunerDock | None = None
        self._controller: Controller | None = None

    def initProcessing(self) -> None:
        """Add the algorithms."""
        self._provider = TunerProvider()
        QgsApplication.processingRegistry().addProvider(self._provider)

    def initGui(self) -> None:
        """Add the algorithms and the action; the dock is made when it is first opened."""
        self.initProcessing()
        title = QCoreApplication.translate("TunerPlugin", "Footprint Tuner")
        self._action = QAction(QIcon(str(ICON)), title, self._iface.mainWindow())
        self._action.setObjectName("FootprintTunerAction")
        self._action.setCheckable(True)
        self._action.triggered.connect(self._open_dock)
        self._iface.addToolBarIcon(self._action)
        self._iface.addPluginToRasterMenu(title, self._action)
        if find_unfinished() is not None:
            self._iface.initializationCompleted.connect(self._action.trigger)

    def unload(self) -> None:
        """Stop what is running, wait for it, and remove every trace."""
        if self._controller is not None:
            self._controller.stop()
            self._controller.deleteLater()
        if self._dock is not None:
            self._dock.store_settings()
            self._iface.removeDockWidget(self._dock)
            self._dock.deleteLater()
        if self._action is not None:
            self._iface.removePluginRasterMenu(self._action.text(), self._action)
            self._iface.removeToolBarIcon(self._action)
            self._action.deleteLater()
        if self._provider is not None:
            QgsApplication.processingRegistry().removeProvider(self._provider)
        if self._translator is not None:
            QCoreApplication.removeTranslator(self._translator)
        self._controller = self._dock = self._action = self._provider = None

    def _open_dock(self) -> None:
        """Make the dock on the first call; from then on the action shows and hides it."""
        if self._dock is not None:
            return
        from ...ui.dock import TunerDock  # noqa: PLC0415 - no form is loaded before somebody wants it
        from .controller import Controller  # noqa: PLC0415 - as above

        self._dock = TunerDock(self._iface.mainWindow())
        self._controller = Controller(self._iface, self._dock)
        self._iface.addTabifiedDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self._dock, raiseTab=True)
        self._dock.setToggleVisibilityAction(self._action)
