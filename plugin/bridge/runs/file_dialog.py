"""Where a file is to go, asked without holding QGIS up. Main thread only."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from qgis.PyQt.QtCore import QObject, Qt
from qgis.PyQt.QtWidgets import QFileDialog, QWidget


def ask_file(
    window: QWidget, owner: QObject, title: str, suggested: Path, kind: str, take: Callable[[Path], None]
) -> None:
    """Ask for the name of a new file with the ending of ``suggested``, and let ``take`` have it; returns at once.

    ``kind`` says in words what files of this ending are. The question goes with its ``owner``.
    """
    dialog = QFileDialog(window, title, str(suggested), f"{kind} (*{suggested.suffix})")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(suggested.suffix[1:])
    dialog.fileSelected.connect(lambda path: take(Path(path)))
    owner.destroyed.connect(dialog.reject)  # nobody is left to answer it
    dialog.open()
