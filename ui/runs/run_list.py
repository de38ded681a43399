"""The runs that there are, in a table, and what can be done with one or two of them."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Sequence

from qgis.core import QgsApplication
from qgis.gui import QgsFilterLineEdit
from qgis.PyQt.QtCore import QItemSelectionModel, QLocale, QPoint, Qt, pyqtBoundSignal, pyqtSignal
from qgis.PyQt.QtWidgets import QFileDialog, QMenu, QPushButton, QToolButton, QWidget

from ...plugin.core.run_list import BROKEN_OFF, FINISHED, RUNNING, RunEntry
from ..fields.ui_loader import load_form
from ..fields.wrapped_text import WrapLabel
from .run_table import RunTable
from .run_table_model import Column

_MIDDLE = Qt.TextElideMode.ElideMiddle
_BUTTONS = ("open", "compare")
_SET_APART = ("repeat", "note", "delete")
_NEEDS_JOB = ("repeat", "change", "send")


class RunsPage(QWidget):
    """Shows runs and asks for what is to be done with them; each signal carries the folders of the runs."""

    refresh_requested = pyqtSignal()
    open_requested = pyqtSignal(str)
    compare_requested = pyqtSignal(str, str)
    repeat_requested = pyqtSignal(str)
    change_requested = pyqtSignal(str)
    resume_requested = pyqtSignal(str)
    send_requested = pyqtSignal(str)
    delete_requested = pyqtSignal(str)
    folder_opened = pyqtSignal(str)
    note_edited = pyqtSignal(str, str)
    size_requested = pyqtSignal(str)
    place_added = pyqtSignal(str)
    place_removed = pyqtSignal(str)

    runsSearch: QgsFilterLineEdit
    refreshRunsButton: QToolButton
    placesButton: QToolButton
    runTable: RunTable
    runsLine: WrapLabel
    openRunButton: QPushButton
    compareRunsButton: QPushButton
    moreRunButton: QPushButton

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without a run."""
        super().__init__(parent)
        load_form(self, "runs/run_list")
        self._is_read = False
        self._sizes: dict[Path, int] = {}
        self._deeds: dict[str, tuple[str, Callable[[], None]]] = {
            "open": (self.tr("Open") + "\tEnter", self._emit_one(self.open_requested)),
            "compare": (self.tr("Compare") + "\tCtrl+Enter", self._compare),
            "repeat": (self.tr("Repeat") + "\tCtrl+R", self._emit_one(self.repeat_requested)),
            "change": (self.tr("Repeat with changes..."), self._emit_one(self.change_requested)),
            "resume": (self.tr("Resume"), self._emit_one(self.resume_requested)),
            "note": (self.tr("Note") + "\tF2", self._edit_note),
            "send": (self.tr("Send as zip..."), self._emit_one(self.send_requested)),
            "folder": (self.tr("Open folder"), self._emit_one(self.folder_opened)),
            "delete": (self.tr("Delete...") + "\tDel", self._emit_one(self.delete_requested)),
        }
        self._connect()
        self.refreshRunsButton.setIcon(QgsApplication.getThemeIcon("/mActionRefresh.svg"))
        self.placesButton.setIcon(QgsApplication.getThemeIcon("/mActionFileOpen.svg"))
        self.show_places([])
        self._offer()

    @property
    def chosen(self) -> list[RunEntry]:
        """The selected runs, from top to bottom."""
        rows = sorted(self.runTable.selectionModel().selectedRows(), key=lambda index: int(index.row()))
        return [self.runTable.runs.find(index) for index in rows]

    @property
    def entries(self) -> list[RunEntry]:
        """Every run that was found."""
        return self.runTable.runs.entries

    def show_reading(self) -> None:
        """Say that the runs are being read."""
        self.refreshRunsButton.setEnabled(False)
        if not self.entries:
            self.runsLine.setText(self.tr("Reading the runs..."))

    def show_runs(self, entries: Sequence[RunEntry], is_all: bool = True) -> None:
        """Show the runs that were found; what was selected stays so. Without ``is_all`` more are to come."""
        kept = [entry.path for entry in self.chosen]
        self._is_read = self._is_read or is_all
        self.runTable.runs.show_entries(entries)
        self.choose(kept)
        if is_all:
            self.refreshRunsButton.setEnabled(True)
            self._sizes = {}
            self._offer()

    def choose(self, paths: Sequence[Path]) -> None:
        """Select runs by their folders."""
        model, selection = self.runTable.runs, self.runTable.selectionModel()
        how = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
        rows = [row for row in map(model.find_row, paths) if row >= 0]
        for row in rows:
            selection.select(model.index(row, 0), how)
        if rows:
            selection.setCurrentIndex(model.index(rows[0], 0), QItemSelectionModel.SelectionFlag.NoUpdate)

    def show_size(self, path: str, size: int) -> None:
        """Say how much room a run takes."""
        self._sizes[Path(path)] = size
        if [entry.path for entry in self.chosen] == [Path(path)]:
            self._tell()

    def show_sentence(self, message: str, hint: str = "") -> None:
        """Say what came of a deed, beneath the table, until another run is selected."""
        self.runsLine.setText(f"{message} {hint}".strip())

    def show_places(self, places: Sequence[str]) -> None:
        """Offer to add a folder, and to forget those that were added."""
        menu = QMenu(self.placesButton)
        menu.setToolTipsVisible(True)
        menu.addAction(self.tr("Look in another folder...")).triggered.connect(lambda _: self._ask_place())
        if places:
            menu.addSeparator()
        for place in places:
            action = menu.addAction(self.fontMetrics().elidedText(place.replace("&", "&&"), _MIDDLE, 300))
            action.setToolTip(self.tr("Untick to stop looking there: {}").format(place))
            action.setCheckable(True)
            action.setChecked(True)
            action.toggled.connect(lambda _, place=place: self.place_removed.emit(place))
        self.placesButton.setMenu(menu)

    def make_menu(self) -> QMenu:
        """Return the menu of what can be done with the selected runs."""
        menu = QMenu(self)
        self._fill(menu, list(self._deeds))
        return menu

    def can(self, deed: str) -> bool:
        """Tell whether a deed is possible with the selected runs."""
        chosen = self.chosen
        if deed == "compare":
            return len(chosen) == 2
        if len(chosen) != 1:
            return False
        (entry,) = chosen
        if deed == "open":
            return entry.status == FINISHED
        if deed == "resume":
            return entry.status == BROKEN_OFF
        if deed in _NEEDS_JOB:
            return bool(entry.raster) and entry.status != RUNNING
        return deed != "delete" or entry.status != RUNNING

    def do(self, deed: str) -> None:
        """Do what a key or a menu asks for, where it is possible."""
        if deed == "refresh":
            self.refresh_requested.emit()
        elif self.can(deed):
            self._deeds[deed][1]()
        else:
            self._tell()

    def _connect(self) -> None:
        table = self.runTable
        table.key_pressed.connect(self.do)
        table.doubleClicked.connect(lambda index: self.do("note" if index.column() == Column.NOTE else "open"))
        table.customContextMenuRequested.connect(self._pop_up)
        table.selectionModel().selectionChanged.connect(lambda *_: self._offer())
        table.runs.modelReset.connect(self._offer)
        table.runs.note_edited.connect(self.note_edited)
        self.runsSearch.textChanged.connect(table.runs.search)
        self.refreshRunsButton.clicked.connect(self.refresh_requested)
        self.openRunButton.clicked.connect(lambda: self.do("open"))
        self.compareRunsButton.clicked.connect(lambda: self.do("compare"))
        menu = QMenu(self.moreRunButton)
        menu.aboutToShow.connect(lambda: self._fill(menu, [deed for deed in self._deeds if deed not in _BUTTONS]))
        self.moreRunButton.setMenu(menu)

    def _fill(self, menu: QMenu, deeds: Sequence[str]) -> None:
        menu.clear()
        for deed in deeds:
            text, do = self._deeds[deed]
            if deed in _SET_APART and menu.actions():
                menu.addSeparator()
            action = menu.addAction(text)
            action.setObjectName(f"{deed}RunAction")
            action.setEnabled(self.can(deed))
            action.triggered.connect(lambda _, do=do: do())

    def _pop_up(self, place: QPoint) -> None:
        if self.chosen:
            menu = self.make_menu()
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(self.runTable.viewport().mapToGlobal(place))

    def _offer(self) -> None:
        self.openRunButton.setEnabled(self.can("open"))
        self.compareRunsButton.setEnabled(self.can("compare"))
        self.moreRunButton.setEnabled(len(self.chosen) == 1)
        self._tell()

    def _tell(self) -> None:
        chosen = self.chosen
        if not chosen:
            self.runsLine.setText(self._tell_all())
        elif len(chosen) == 1:
            self.runsLine.setText(self._tell_one(chosen[0]))
        elif len(chosen) == 2:
            self.runsLine.setText(self.tr("Compare the two if they were scored on the same area."))
        else:
            self.runsLine.setText(self.tr("{} runs are selected; two can be compared.").format(len(chosen)))

    def _tell_all(self) -> str:
        found, shown = len(self.entries), self.runTable.runs.rowCount()
        if not found and self._is_read:
            return self.tr("No run was found. Fine-tune a model, or look in another folder.")
        if shown < found:
            return self.tr("{shown} of {found} runs match.").format(shown=shown, found=found)
        return self.tr("1 run") if found == 1 else self.tr("{} runs").format(found) if found else ""

    def _tell_one(self, entry: RunEntry) -> str:
        parts = [entry.name + "."]
        if entry.status == FINISHED:
            parts += [entry.difference, entry.by_hand]
        else:
            parts += [entry.problem, entry.hint]
        if entry.parent and not entry.is_parent_there:
            parts.append(self.tr("Its parent {} was not found.").format(entry.parent_name))
        if entry.path in self._sizes:
            parts.append(QLocale().formattedDataSize(self._sizes[entry.path], 0) + ".")
        else:
            self.size_requested.emit(str(entry.path))
        return " ".join(part for part in parts if part)

    def _emit_one(self, signal: pyqtBoundSignal) -> Callable[[], None]:
        return lambda: signal.emit(str(self.chosen[0].path))

    def _compare(self) -> None:
        older, newer = sorted(self.chosen, key=lambda entry: entry.when)
        self.compare_requested.emit(str(older.path), str(newer.path))

    def _edit_note(self) -> None:
        row = self.runTable.selectionModel().selectedRows()[0].row()
        self.runTable.setColumnHidden(Column.NOTE, False)
        index = self.runTable.runs.index(row, Column.NOTE)
        self.runTable.setCurrentIndex(index)
        self.runTable.scrollTo(index)
        self.runTable.edit(index)

    def _ask_place(self) -> None:
        path = QFileDialog.getExistingDirectory(self, self.tr("Folder with runs"))
        if path:
            self.place_added.emit(path)
