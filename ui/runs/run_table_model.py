"""The runs as rows and columns: searched, sorted, and with a note that can be edited."""

from __future__ import annotations

import re
import time
from enum import IntEnum
from pathlib import Path
from typing import Any, Sequence

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt, pyqtSignal

from ...plugin.core.run_list import (
    BROKEN_OFF,
    CANCELLED,
    DIED,
    FAILED,
    FINISHED,
    LEFT,
    RUNNING,
    UNREADABLE,
    RunEntry,
)
from ..fields.wrapped_text import format_clock, format_score

_ICONS = {RUNNING: "/mActionStart.svg", BROKEN_OFF: "/mIconWarning.svg", UNREADABLE: "/mIconCritical.svg"}
_DATED = re.compile(r".+_(\d{4}-\d\d-\d\d)_(\d\d)-(\d\d)-\d\d(?:_\d+)?")
_Role = Qt.ItemDataRole


class Column(IntEnum):
    """The columns, the most important first."""

    RUN = 0
    F1 = 1
    RASTER = 2
    NOTE = 3
    BASE_MODEL = 4
    TIME = 5
    PARENT = 6


class RunModel(QAbstractTableModel):
    """The entries that match the search, sorted; ``note_edited`` carries the run's folder and its new note."""

    note_edited = pyqtSignal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        """Begin without a run."""
        super().__init__(parent)
        self._entries: list[RunEntry] = []
        self._shown: list[RunEntry] = []
        self._words: list[str] = []
        self._column, self._is_falling = Column.RUN, True
        self._titles = {
            Column.RUN: self.tr("Run"),
            Column.F1: self.tr("F1 before \u2192 after"),
            Column.RASTER: self.tr("Raster"),
            Column.NOTE: self.tr("Note"),
            Column.BASE_MODEL: self.tr("Base model"),
            Column.TIME: self.tr("Time"),
            Column.PARENT: self.tr("Parent"),
        }
        self._statuses = {
            RUNNING: self.tr("running"),
            BROKEN_OFF: self.tr("not finished"),
            UNREADABLE: self.tr("cannot be read"),
        }
        self._endings = {
            CANCELLED: self.tr("not finished: cancelled"),
            FAILED: self.tr("not finished: failed"),
            LEFT: self.tr("not finished: QGIS closed"),
            DIED: self.tr("not finished: stopped"),
        }

    @property
    def entries(self) -> list[RunEntry]:
        """Every entry, in no order."""
        return list(self._entries)

    def show_entries(self, entries: Sequence[RunEntry]) -> None:
        """Show these and no others."""
        self._entries = list(entries)
        self._arrange()

    def search(self, text: str) -> None:
        """Show only entries that hold every word of the text."""
        self._words = text.casefold().split()
        self._arrange()

    def find(self, index: QModelIndex) -> RunEntry:
        """Return the entry of a row."""
        return self._shown[index.row()]

    def find_row(self, path: Path) -> int:
        """Return the row of a run's folder, -1 where it is not shown."""
        return next((row for row, entry in enumerate(self._shown) if entry.path == path), -1)

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return how many entries are shown; called by Qt."""
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return how many columns there are; called by Qt."""
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole) -> Any:
        """Return a column's title; called by Qt."""
        if orientation == Qt.Orientation.Horizontal and role == _Role.DisplayRole:
            return self._titles[Column(section)]
        return None

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Let the note be edited; called by Qt."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() == Column.NOTE else flags

    def data(self, index: QModelIndex, role: int = _Role.DisplayRole) -> Any:
        """Return what a cell shows; called by Qt."""
        entry, column = self._shown[index.row()], Column(index.column())
        if role == _Role.DisplayRole:
            return self._write(entry, column)
        if role == _Role.EditRole and column == Column.NOTE:
            return entry.note
        if role == _Role.ToolTipRole:
            return self._explain(entry, column)
        if role == _Role.DecorationRole and column == Column.RUN and entry.status in _ICONS:
            return QgsApplication.getThemeIcon(_ICONS[entry.status])
        if role == _Role.AccessibleTextRole:
            return f"{self._titles[column]}: {self._write(entry, column)}"
        return None

    def setData(self, index: QModelIndex, value: Any, role: int = _Role.EditRole) -> bool:
        """Tell of a note that was edited; called by Qt. It is shown once it is written."""
        entry, text = self._shown[index.row()], str(value).strip()
        if role != _Role.EditRole or index.column() != Column.NOTE or text == entry.note:
            return False
        self.note_edited.emit(str(entry.path), text)
        return True

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; called by Qt. Runs by when they were written."""
        if 0 <= column < len(Column):
            self._column, self._is_falling = Column(column), order == Qt.SortOrder.DescendingOrder
            self._arrange()

    def _arrange(self) -> None:
        self.beginResetModel()
        found = [entry for entry in self._entries if self._holds(entry)]
        self._shown = sorted(found, key=lambda entry: (self._weigh(entry), entry.when), reverse=self._is_falling)
        self.endResetModel()

    def _holds(self, entry: RunEntry) -> bool:
        text = f"{entry.name} {entry.raster_name} {entry.base_model} {entry.note} {entry.parent_name} {entry.status}"
        return all(word in text.casefold() for word in self._words)

    def _weigh(self, entry: RunEntry) -> Any:
        if self._column == Column.RUN:
            return entry.when
        if self._column == Column.F1:
            return -1.0 if entry.after is None else entry.after
        if self._column == Column.TIME:
            return entry.seconds or 0.0
        return self._write(entry, self._column).casefold()

    def _write(self, entry: RunEntry, column: Column) -> str:
        if column == Column.RUN:
            return shorten(entry.name)
        if column == Column.F1:
            return self._write_f1(entry)
        if column == Column.TIME:
            return "" if entry.seconds is None else format_clock(round(entry.seconds))
        if column == Column.PARENT:
            return self._write_parent(entry)
        texts = {Column.RASTER: entry.raster_name, Column.NOTE: entry.note, Column.BASE_MODEL: entry.base_model}
        return " ".join(texts[column][:500].split())

    def _write_f1(self, entry: RunEntry) -> str:
        status = self._endings.get(entry.ending) or self._statuses.get(entry.status, "")
        if entry.after is None:
            return status
        text = f"{format_score(entry.before)} \u2192 {format_score(entry.after)}"
        if entry.interval is not None:
            text += f" ({format_score(entry.interval[0])}\u2013{format_score(entry.interval[1])})"
        by_hand = self.tr("set manually") if entry.by_hand else ""
        return ", ".join(part for part in (text, by_hand, status) if part)

    def _write_parent(self, entry: RunEntry) -> str:
        if not entry.parent or entry.is_parent_there:
            return shorten(entry.parent_name)
        return self.tr("{} (not found)").format(shorten(entry.parent_name))

    def _explain(self, entry: RunEntry, column: Column) -> str:
        if column == Column.RUN:
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.when)) if entry.when else ""
            return "\n".join(part for part in (str(entry.path), when, entry.problem, entry.hint) if part)
        if column == Column.F1:
            parts = (entry.difference, entry.by_hand, "" if entry.status == FINISHED else entry.problem)
            return "\n".join(part for part in parts if part)
        texts = {Column.RASTER: entry.raster, Column.NOTE: entry.note, Column.PARENT: entry.parent}
        return texts.get(column, "") or self._write(entry, column)


def shorten(name: str) -> str:
    """Return the date and minute in a run's name where it still is the one that it was made with, else all of it."""
    match = _DATED.fullmatch(name)
    return name if match is None else f"{match[1]} {match[2]}:{match[3]}"
