"""The list of what a run had to tell: warnings and remarks stay readable after it."""

from __future__ import annotations

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from ...plugin.core.events import Notice
from .message import ICONS
from .wrapped_text import WrapLabel

_MOST = 100


class NoticeList(QWidget):
    """One line for each different notice, warnings marked, in the order in which they came."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin empty and hidden."""
        super().__init__(parent)
        self._notices: list[Notice] = []
        self._rows = QGridLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setColumnStretch(1, 1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.setAccessibleName(self.tr("Notices of the run"))
        self.hide()

    @property
    def notices(self) -> list[Notice]:
        """The notices shown."""
        return list(self._notices)

    def add(self, notice: Notice) -> None:
        """Show a notice, unless the same is there already."""
        if notice in self._notices or len(self._notices) >= _MOST:
            return
        self._notices.append(notice)
        row = len(self._notices)
        icon = QLabel(self)
        icon.setPixmap(QgsApplication.getThemeIcon(ICONS.get(notice.level, ICONS["info"])).pixmap(16, 16))
        text = WrapLabel(self)
        text.setText(f"{notice.message} {notice.hint}".strip())
        text.setAccessibleName(self.tr("Warning") if notice.level == "warning" else self.tr("Remark"))
        self._rows.addWidget(icon, row, 0, Qt.AlignmentFlag.AlignTop)
        self._rows.addWidget(text, row, 1)
        self.show()

    def clear(self) -> None:
        """Forget every notice."""
        self._notices = []
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            widget.hide()
            widget.deleteLater()
        self.hide()
