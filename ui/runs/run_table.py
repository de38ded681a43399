"""The table of runs: its keys, its columns, and what it remembers of them."""

from __future__ import annotations

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import QByteArray, QEvent, Qt, pyqtSignal
from qgis.PyQt.QtGui import QKeyEvent
from qgis.PyQt.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView, QWidget

from .run_table_model import Column, RunModel

_STATE = "footprint_tuner/runs_columns"
_WIDTHS = {Column.RUN: 152, Column.F1: 226, Column.RASTER: 110, Column.NOTE: 140, Column.BASE_MODEL: 150}
_WIDTHS |= {Column.TIME: 55, Column.PARENT: 140}
_CONTROL = Qt.KeyboardModifier.ControlModifier
_WITH_CONTROL = {Qt.Key.Key_Return: "compare", Qt.Key.Key_Enter: "compare", Qt.Key.Key_R: "repeat"}
_ALONE = {Qt.Key.Key_Return: "open", Qt.Key.Key_Enter: "open", Qt.Key.Key_F2: "note"}
_ALONE |= {Qt.Key.Key_Delete: "delete", Qt.Key.Key_F5: "refresh"}


class RunTable(QTableView):
    """Shows the runs; ``key_pressed`` tells of a key that stands for a deed, and QGIS's own meaning of it rests."""

    key_pressed = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        """Show the columns as they were left."""
        super().__init__(parent)
        self.runs = RunModel(self)
        self.setModel(self.runs)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setMinimumHeight(120)
        self._set_up_headers()

    def store_columns(self) -> None:
        """Keep the columns' order, widths and sorting for the next time."""
        QgsSettings().setValue(_STATE, self.horizontalHeader().saveState())

    def event(self, event: QEvent) -> bool:
        """Claim the deeds' keys before QGIS's shortcuts get them; called by Qt."""
        if event.type() == QEvent.Type.ShortcutOverride and name_deed(event):
            event.accept()
            return True
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Tell of a deed's key; called by Qt."""
        deed = name_deed(event)
        if deed and self.state() != QAbstractItemView.State.EditingState:
            self.key_pressed.emit(deed)
        else:
            super().keyPressEvent(event)

    def _set_up_headers(self) -> None:
        header, side = self.horizontalHeader(), self.verticalHeader()
        side.hide()
        side.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        side.setDefaultSectionSize(self.fontMetrics().height() + 8)
        header.setSectionsMovable(True)
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, width in _WIDTHS.items():
            header.resizeSection(column, width)
        self.sortByColumn(Column.RUN, Qt.SortOrder.DescendingOrder)
        state = QgsSettings().value(_STATE, QByteArray(), type=QByteArray)
        if not state.isEmpty():
            header.restoreState(state)
        header.setSectionHidden(Column.RUN, False)
        self.setSortingEnabled(True)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(
            lambda place: self.make_column_menu().popup(header.mapToGlobal(place))
        )
        for changed in (header.sectionMoved, header.sectionResized, header.sortIndicatorChanged):
            changed.connect(self.store_columns)

    def make_column_menu(self) -> QMenu:
        """Return the menu that shows and hides columns; the first one always stays."""
        header, menu = self.horizontalHeader(), QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for column in Column:
            action = menu.addAction(str(self.runs.headerData(column, Qt.Orientation.Horizontal)))
            action.setCheckable(True)
            action.setChecked(not header.isSectionHidden(column))
            action.setEnabled(column != Column.RUN)
            action.toggled.connect(lambda is_shown, column=column: self._show_column(column, is_shown))
        return menu

    def _show_column(self, column: Column, is_shown: bool) -> None:
        header = self.horizontalHeader()
        header.setSectionHidden(column, not is_shown)
        if is_shown and header.sectionSize(column) < 20:
            header.resizeSection(column, _WIDTHS[column])
        self.store_columns()


def name_deed(event: QKeyEvent) -> str:
    """Return the deed that a key stands for in the table, "" for none."""
    key, modifiers = event.key(), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    if modifiers == _CONTROL:
        return _WITH_CONTROL.get(key, "")
    return _ALONE.get(key, "") if modifiers == Qt.KeyboardModifier.NoModifier else ""
