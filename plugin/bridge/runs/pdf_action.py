"""A run's page on its way onto paper: ask where to, print, say how it went."""

from __future__ import annotations

from pathlib import Path

from qgis.gui import QgisInterface
from qgis.PyQt.QtCore import QObject

from ...core.errors import TunerError
from ...core.folder import RunFolder
from ..worker_client.messages import CRITICAL, SUCCESS, tell
from .file_dialog import ask_file
from .pdf import write_pdf

_ENDING = "pdf"


class PdfAction(QObject):
    """Saves the page of a run as a PDF; that takes about a second, on the main thread."""

    def __init__(self, iface: QgisInterface, parent: QObject | None = None) -> None:
        """Wait to be asked."""
        super().__init__(parent)
        self._iface = iface

    def ask(self, run: str) -> None:
        """Ask where the page of the run in that folder is to go; nothing waits for the answer."""
        folder = RunFolder(Path(run))
        suggested = folder.path / f"{folder.path.name}.{_ENDING}"
        title = self.tr("Save report as PDF")
        ask_file(self._iface.mainWindow(), self, title, suggested, "PDF", lambda path: self.save(folder, path))

    def save(self, folder: RunFolder, out: Path) -> None:
        """Write the run's page to ``out`` and say so."""
        bar = self._iface.messageBar()
        try:
            pages = write_pdf(folder.page, out)
        except TunerError as error:
            tell(bar, CRITICAL, error.message, error.hint)
        else:
            tell(bar, SUCCESS, self.tr("The report was saved to {} ({} pages).").format(out, pages))
