"""Asks before QGIS is closed over work that is still under way. Main thread only."""

from __future__ import annotations

from typing import Callable

from qgis.gui import QgisInterface, QgsApplicationExitBlockerInterface
from qgis.PyQt.QtCore import QCoreApplication, Qt, QTimer
from qgis.PyQt.QtWidgets import QApplication, QMessageBox


class ExitGuard(QgsApplicationExitBlockerInterface):
    """Is asked by QGIS whether it may close, after QGIS's own questions about unsaved work."""

    def __init__(self, iface: QgisInterface, name_work: Callable[[], str]) -> None:
        """Take what names the work that would be broken off, "" where there is none."""
        super().__init__()
        self._iface, self._name_work = iface, name_work
        self._wish: Callable[[], None] = lambda: None
        self._soon = QTimer(singleShot=True, interval=0)
        self._soon.timeout.connect(self._grant)
        iface.registerApplicationExitBlocker(self)

    def stop(self) -> None:
        """Let QGIS close unasked from here on."""
        self._soon.stop()
        self._iface.unregisterApplicationExitBlocker(self)

    def unless_closing(self, cancel: Callable[[], None]) -> None:
        """Do as the task manager says, unless it speaks because QGIS is about to close.

        QGIS cancels every task first, then asks about unsaved work, and whether it may close at all.
        """
        self._wish = cancel
        self._soon.start()

    def allowExit(self) -> bool:
        """Tell whether QGIS may close; called by QGIS."""
        self._soon.stop()
        work = self._name_work()
        return not work or self._ask(work)

    def _grant(self) -> None:
        if QApplication.activeModalWidget() is None:
            self._wish()

    def _ask(self, work: str) -> bool:
        box = QMessageBox(self._iface.mainWindow())
        box.setObjectName("closeBox")
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle(_translate("Footprint Tuner"))
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(_translate("{work} is not finished.").format(work=work))
        box.setInformativeText(
            _translate("It stops when QGIS closes. A fine-tuning goes on where it stopped: the dock offers Resume.")
        )
        close = box.addButton(_translate("Close QGIS"), QMessageBox.ButtonRole.DestructiveRole)
        stay = box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(stay)
        box.setEscapeButton(stay)
        box.exec()
        return bool(box.clickedButton() is close)


def _translate(text: str) -> str:
    return QCoreApplication.translate("ExitGuard", text)
