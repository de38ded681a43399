"""One message above the form: what happened, what to do next, and the way on."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QFrame, QLabel, QPushButton, QToolButton, QWidget

from .colours import choose_colour, fade
from .ui_loader import load_form
from .wrapped_text import WrapLabel

ICONS = {
    "error": "/mIconCritical.svg",
    "warning": "/mIconWarning.svg",
    "info": "/mIconInfo.svg",
    "success": "/mIconSuccess.svg",
}


class MessageFrame(QFrame):
    """Shows one message until it is closed or another takes its place."""

    resume_requested = pyqtSignal(str)
    folder_opened = pyqtSignal(str)

    iconLabel: QLabel
    messageLabel: WrapLabel
    hintLabel: WrapLabel
    resumeButton: QPushButton
    runFolderButton: QPushButton
    closeButton: QToolButton

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin hidden."""
        super().__init__(parent)
        self._folder, self._is_refusal = "", False
        load_form(self, "fields/message")
        self.closeButton.setIcon(QgsApplication.getThemeIcon("/mIconClose.svg"))
        self.closeButton.clicked.connect(self.clear)
        self.resumeButton.clicked.connect(lambda: self.resume_requested.emit(self._folder))
        self.runFolderButton.clicked.connect(lambda: self.folder_opened.emit(self._folder))
        self.clear()

    @property
    def offers_resume(self) -> bool:
        """Whether a run can be resumed from here."""
        return not self.isHidden() and not self.resumeButton.isHidden()

    def tell(self, kind: str, message: str, hint: str = "", folder: str = "", is_resumable: bool = False) -> None:
        """Show a message; ``kind`` is error, warning, info or success, ``folder`` the run's it is about.

        A warning or an error without a folder refuses what is chosen: ``forget_refusal`` takes it away.
        """
        self._folder = folder
        self._is_refusal = kind in ("error", "warning") and not folder
        self.messageLabel.setText(message)
        self.hintLabel.setText(hint)
        self.hintLabel.setVisible(bool(hint))
        self.resumeButton.setVisible(bool(folder) and is_resumable)
        self.runFolderButton.setVisible(bool(folder))
        self.iconLabel.setPixmap(QgsApplication.getThemeIcon(ICONS[kind]).pixmap(20, 20))
        colour = choose_colour(self.messageLabel.palette(), kind)
        ground = fade(colour, 30)
        self.setStyleSheet(
            f"#{self.objectName()} {{ border: 0; border-left: 4px solid {colour.name()}; "
            f"background: rgba({ground.red()}, {ground.green()}, {ground.blue()}, {ground.alpha()}); }}"
        )
        self.setAccessibleDescription(f"{message} {hint}")
        self.show()

    def tell_resume_alone(self) -> None:
        """Keep the offer to resume a run, by its name, and nothing of what was said; without one hide the message."""
        if not self.offers_resume:
            self.clear()
            return
        text = self.tr("The run {} was not finished.").format(Path(self._folder).name)
        self.tell("info", text, self.tr("Press Resume to go on where it stopped."), self._folder, True)

    def forget_refusal(self) -> None:
        """Hide a message whose cause may have gone: something else is chosen now."""
        if self._is_refusal:
            self.clear()

    def clear(self) -> None:
        """Hide the message; nothing is said any more."""
        self._is_refusal = False
        self.messageLabel.setText("")
        self.hintLabel.setText("")
        self.hide()
