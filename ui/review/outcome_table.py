"""A table that is stepped through by keys."""

from __future__ import annotations

from qgis.PyQt.QtCore import QEvent, QModelIndex, Qt, pyqtSignal
from qgis.PyQt.QtGui import QKeyEvent
from qgis.PyQt.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from .outcome_model import AREA, CONFIDENCE, IOU, KIND, SEEN, OutcomeModel

_KEYS = {Qt.Key.Key_N, Qt.Key.Key_P, Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter}


class OutcomeTable(QTableView):
    """Shows an ``OutcomeModel``. ``stepped`` carries the row that the user comes to, ``zoom_requested`` one to zoom to.

    The arrows, N and P step, Enter and a double click zoom, the space bar ticks. A head that is clicked a third time
    puts the worst first again.
    """

    stepped = pyqtSignal(int)
    zoom_requested = pyqtSignal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin with an empty model."""
        super().__init__(parent)
        self.rows = OutcomeModel(self)
        self._sorted = (-1, Qt.SortOrder.AscendingOrder)
        self._is_quiet = False
        self.setModel(self.rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self._lay_out_heads()
        self.selectionModel().currentRowChanged.connect(self._tell_step)
        self.doubleClicked.connect(lambda index: self._ask_zoom(index.row()))

    @property
    def row(self) -> int:
        """The row that the user is at, -1 for none."""
        return int(self.currentIndex().row())

    def show_row(self, row: int) -> None:
        """Go to a row without telling so; -1 for none."""
        self._is_quiet = True
        try:
            self.setCurrentIndex(self.rows.index(row, KIND) if row >= 0 else QModelIndex())
        finally:
            self._is_quiet = False

    def step(self, by: int) -> None:
        """Go so many rows down (negative: up) and tell so; the ends of the table are ends. From none to the first."""
        count = self.rows.rowCount()
        if count:
            row = 0 if self.row < 0 else min(max(self.row + by, 0), count - 1)
            self.setCurrentIndex(self.rows.index(row, KIND))

    def event(self, event: QEvent) -> bool:
        """Keep the table's keys from the shortcuts of QGIS's window; called by Qt."""
        if event.type() == QEvent.Type.ShortcutOverride and _is_own(event):
            event.accept()
            return True
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Do what a key stands for; called by Qt."""
        if not _is_own(event):
            super().keyPressEvent(event)
        elif event.key() in (Qt.Key.Key_N, Qt.Key.Key_P):
            self.step(1 if event.key() == Qt.Key.Key_N else -1)
        elif self.row < 0:
            self.step(1)
        elif event.key() == Qt.Key.Key_Space:
            self.rows.turn_tick(self.row)
        else:
            self._ask_zoom(self.row)

    def _lay_out_heads(self) -> None:
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        head = self.horizontalHeader()
        head.setMinimumSectionSize(24)
        head.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        head.setSectionResizeMode(KIND, QHeaderView.ResizeMode.Stretch)
        head.setHighlightSections(False)
        for column, widest in ((SEEN, "\u2713"), (AREA, "0,000"), (IOU, "0.00"), (CONFIDENCE, "Conf.")):
            self.setColumnWidth(column, max(self.fontMetrics().boundingRect(widest).width() + 11, 24))
        head.setSortIndicator(*self._sorted)
        self.setSortingEnabled(True)
        head.sortIndicatorChanged.connect(self._turn_order)  # after Qt's own answer, which sorts

    def _turn_order(self, column: int, order: Qt.SortOrder) -> None:
        """After both orders of a column comes none: Qt alone would go round between the two."""
        first = self.rows.headerData(column, Qt.Orientation.Horizontal, Qt.ItemDataRole.InitialSortOrderRole)
        was, self._sorted = self._sorted, (column, order)
        if column >= 0 and was[0] == column and was[1] != first and order == first:
            self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)

    def _ask_zoom(self, row: int) -> None:
        self.zoom_requested.emit(row)

    def _tell_step(self, current: QModelIndex) -> None:
        if current.isValid() and not self._is_quiet:
            self.stepped.emit(current.row())


def _is_own(event: QKeyEvent) -> bool:
    plain = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    return event.key() in _KEYS and plain == Qt.KeyboardModifier.NoModifier
