"""Finding one encoder among more than a thousand by typing parts of its name."""

from __future__ import annotations

from typing import Sequence

from qgis.PyQt.QtCore import (
    QEvent,
    QModelIndex,
    QObject,
    QRegularExpression,
    QSortFilterProxyModel,
    QStringListModel,
    Qt,
    pyqtSignal,
)
from qgis.PyQt.QtWidgets import QLineEdit, QListView, QWidget

from ..fields.ui_loader import load_form

_MOVES = (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp)


class EncoderSearch(QWidget):
    """A line to type into and the list of what is left; the arrow keys move in the list from the line, too."""

    encoder_chosen = pyqtSignal(str)

    encoderEdit: QLineEdit
    encoderView: QListView

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin with an empty list."""
        super().__init__(parent)
        load_form(self, "model/encoders")
        self._names = QStringListModel(self)
        self._found = QSortFilterProxyModel(self)
        self._found.setSourceModel(self._names)
        self.encoderView.setModel(self._found)
        self.encoderView.selectionModel().currentChanged.connect(self._tell)
        self.encoderEdit.textChanged.connect(self._search)
        self.encoderEdit.installEventFilter(self)
        self.setFocusProxy(self.encoderEdit)

    @property
    def encoder(self) -> str:
        """The chosen encoder, "" where nothing is found."""
        return str(self.encoderView.currentIndex().data() or "")

    @property
    def found(self) -> list[str]:
        """The encoders that are left in the list."""
        return [str(self._found.index(row, 0).data()) for row in range(self._found.rowCount())]

    def show_encoders(self, names: Sequence[str]) -> None:
        """List encoders; the first is chosen."""
        self._names.setStringList(names)
        self._choose_row(0)

    def choose(self, encoder: str) -> None:
        """Choose an encoder and show it in the list; one that is not there comes first."""
        self.encoderEdit.clear()
        names = self._names.stringList()
        if encoder not in names:
            names.insert(0, encoder)
            self._names.setStringList(names)
        index = self._found.index(names.index(encoder), 0)
        self.encoderView.setCurrentIndex(index)
        self.encoderView.scrollTo(index, QListView.ScrollHint.PositionAtCenter)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the arrow keys move in the list while the line keeps the focus; called by Qt."""
        if watched is self.encoderEdit and event.type() == QEvent.Type.KeyPress and event.key() in _MOVES:
            self.encoderView.keyPressEvent(event)
            return True
        return bool(super().eventFilter(watched, event))

    def _search(self, text: str) -> None:
        """Leave the names in the list that hold every word that was typed."""
        before = self.encoder
        words = (QRegularExpression.escape(word) for word in text.split())
        pattern = "^" + "".join(f"(?=.*{word})" for word in words)
        option = QRegularExpression.PatternOption.CaseInsensitiveOption
        self._found.setFilterRegularExpression(QRegularExpression(pattern, option))
        if not before or self.encoder != before or text:
            self._choose_row(0)

    def _choose_row(self, row: int) -> None:
        self.encoderView.setCurrentIndex(self._found.index(row, 0))
        self.encoderView.scrollToTop()
        self._tell(QModelIndex(), QModelIndex())

    def _tell(self, _now: QModelIndex, _before: QModelIndex) -> None:
        self.encoder_chosen.emit(self.encoder)
