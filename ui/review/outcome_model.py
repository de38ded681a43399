"""The buildings of held-out ground as the rows of a table."""

from __future__ import annotations

from typing import Any, Collection

from qgis.PyQt.QtCore import QAbstractTableModel, QLocale, QModelIndex, QObject, Qt, pyqtSignal

from ...plugin.core.building_outcomes import (
    FOUND,
    MISSED,
    WRONG,
    Choice,
    Outcome,
    Tally,
    choose_outcomes,
    count_kinds,
    sort_outcomes,
)

SEEN, KIND, AREA, IOU, CONFIDENCE = range(5)
_FIELDS = {KIND: "kind", AREA: "area_m2", IOU: "iou", CONFIDENCE: "confidence"}
_UNKNOWN = "\u2013"
_WORST_FIRST = -1


class OutcomeModel(QAbstractTableModel):
    """A row for each chosen building, with a tick where it was looked at; sorted by column -1 the worst come first.

    ``seen_changed`` carries the marks of all that were looked at, whenever the user sets or takes a tick.
    """

    seen_changed = pyqtSignal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        """Begin empty."""
        super().__init__(parent)
        self.choice = Choice()
        self._all: list[Outcome] = []
        self._rows: list[Outcome] = []
        self._seen: set[str] = set()
        self._order = (_WORST_FIRST, False)
        self._locale = QLocale()

    def show_outcomes(self, outcomes: list[Outcome], seen: Collection[str]) -> None:
        """Take other buildings, worst first, and the marks of those that were looked at."""
        self._all, self._seen = outcomes, set(seen)
        self._fill()

    def choose(self, choice: Choice) -> None:
        """Show the buildings that are chosen; a tick that is set later hides none of them."""
        self.choice = choice
        self._fill()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column, or worst first by none; called by Qt."""
        self._order = (column, order == Qt.SortOrder.DescendingOrder)
        self._fill()

    def count_all(self) -> int:
        """Return how many buildings there are, chosen or not."""
        return len(self._all)

    def count_seen(self) -> int:
        """Return how many of all the buildings were looked at."""
        return sum(each.mark in self._seen for each in self._all)

    def count_kinds(self) -> Tally:
        """Return how many there are of each kind, of the chosen size."""
        sized = Choice("", self.choice.least_m2, self.choice.most_m2)
        return count_kinds(choose_outcomes(self._all, sized))

    def outcome(self, row: int) -> Outcome:
        """Return the building of a row."""
        return self._rows[row]

    def find_row(self, mark: str) -> int:
        """Return the row of a building, -1 where it is not chosen."""
        return next((row for row, each in enumerate(self._rows) if each.mark == mark), -1)

    def turn_tick(self, row: int) -> None:
        """Set a row's tick, or take it away."""
        index = self.index(row, SEEN)
        state = Qt.CheckState.Unchecked if self._rows[row].mark in self._seen else Qt.CheckState.Checked
        self.setData(index, state, Qt.ItemDataRole.CheckStateRole)

    def name_kind(self, kind: str) -> str:
        """Return a kind in a word or two."""
        return {FOUND: self.tr("Found"), WRONG: self.tr("Extra"), MISSED: self.tr("Missed")}[kind]

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return how many buildings are chosen; called by Qt."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return the count of columns; called by Qt."""
        return 0 if parent.isValid() else len(_FIELDS) + 1

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Let the first column be ticked; called by Qt."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsUserCheckable if index.column() == SEEN else flags

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows; called by Qt."""
        if not index.isValid():
            return None
        outcome, column = self._rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole and column != SEEN:
            return self._write(outcome, column)
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (AREA, IOU, CONFIDENCE):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if column == SEEN and role == Qt.ItemDataRole.CheckStateRole:
            return Qt.CheckState.Checked if outcome.mark in self._seen else Qt.CheckState.Unchecked
        if column == SEEN and role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.tr("Looked at") if outcome.mark in self._seen else self.tr("Not yet looked at")
        return None

    def setData(self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Set or take a tick; called by Qt."""
        if not index.isValid() or index.column() != SEEN or role != Qt.ItemDataRole.CheckStateRole:
            return False
        change = self._seen.add if Qt.CheckState(value) == Qt.CheckState.Checked else self._seen.discard
        change(self._rows[index.row()].mark)
        self.dataChanged.emit(index, index)
        self.seen_changed.emit(frozenset(self._seen))
        return True

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a column's head shows, and which way it sorts first; called by Qt."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < self.columnCount():
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return ("\u2713", self.tr("Kind"), self.tr("m²"), self.tr("IoU"), self.tr("Conf."))[section]
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._explain(section)
        if role == Qt.ItemDataRole.InitialSortOrderRole:
            is_falling = section in (AREA, CONFIDENCE)
            return Qt.SortOrder.DescendingOrder if is_falling else Qt.SortOrder.AscendingOrder
        return None

    def _explain(self, section: int) -> str:
        return (
            self.tr("Looked at: the space bar ticks a row"),
            self.tr("Missed: a label that no footprint matches. Extra: a footprint that matches no label"),
            self.tr("Area on the ground in m²"),
            self.tr("Intersection over union: with its match; of an error the highest with any building"),
            self.tr("How sure the model is of a footprint, from 0 to 1"),
        )[section]

    def _write(self, outcome: Outcome, column: int) -> str:
        if column == KIND:
            return self.name_kind(outcome.kind)
        value = outcome[Outcome._fields.index(_FIELDS[column])]
        if value is None:
            return _UNKNOWN
        return self._locale.toString(value, "f", 0 if column == AREA else 2)

    def _fill(self) -> None:
        column, is_falling = self._order
        self.beginResetModel()
        rows = choose_outcomes(self._all, self.choice, self._seen)
        if column == SEEN:
            rows.sort(key=lambda each: each.mark in self._seen, reverse=is_falling)
        elif column in _FIELDS:
            rows = sort_outcomes(rows, _FIELDS[column], is_falling=is_falling)
        self._rows = rows
        self.endResetModel()
