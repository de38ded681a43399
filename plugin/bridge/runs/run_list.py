"""The dock's tab of runs, wired to their folders: found and read in a thread, and what is done with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Protocol

from qgis.core import QgsProject
from qgis.gui import QgisInterface
from qgis.PyQt.QtCore import QObject, Qt, QTimer

from ....ui.dock import TunerDock
from ....ui.runs.compare_dialog import CompareDialog
from ...core.command_options import CompareOptions
from ...core.comparability import pair_blocks
from ...core.delete_run import measure_bytes
from ...core.environment import Environment
from ...core.errors import TunerError
from ...core.folder import RunFolder
from ...core.json_codec import decode
from ...core.option import list_arguments
from ...core.run_comparison import RunComparison
from ...core.run_list import LEFT, RunEntry, find_runs, read_run_entry
from ...core.run_note import write_note
from ...core.run_record import read_record
from ..review.run_opener import Reviewer
from ..tuning.rerun import fill_form, take_repetition
from ..tuning.run_folders import keep_added, list_added, list_places
from ..tuning.unfinished_run import find_unfinished
from ..worker_client.background import BackgroundJobs, BackgroundThread
from ..worker_client.client import WorkerClient
from ..worker_client.messages import INFO, WARNING, join, log, tell
from .delete_run import RunDeleter
from .send_run import RunSender

_PAUSE_MS = 500
_AT_ONCE = 200


class Starter(Protocol):
    """Starts a run with what a function takes in for it, and says why where that cannot be."""

    def __call__(self, take: Callable[[], Any]) -> None:
        """Start it."""


class Runs(QObject):
    """Keeps the table of runs: it is read when it is looked at, and anew where something has changed since."""

    def __init__(
        self,
        iface: QgisInterface,
        environment: Environment,
        dock: TunerDock,
        reviewer: Reviewer,
        start: Starter,
        is_at_work: Callable[[RunFolder], bool],
        parent: QObject | None = None,
    ) -> None:
        """Connect the tab; nothing is read before it is looked at. ``is_at_work`` tells of a run just begun."""
        super().__init__(parent)
        self._iface, self._environment, self._dock, self._page = iface, environment, dock, dock.runsPage
        self._reviewer, self._start_run = reviewer, start
        self._jobs, self._comparison = BackgroundJobs(self), BackgroundJobs(self)
        self._sender = RunSender(iface, self._jobs, self)
        self._deleter = RunDeleter(iface, reviewer, self._jobs, is_at_work, self.refresh, self)
        self._reading: BackgroundThread | None = None
        self._measuring: BackgroundThread | None = None
        self._found: list[RunEntry] = []
        self._is_stale = True
        self._is_over = False
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self._read_if_seen)
        self._connect()
        self._page.show_places(list_added())

    def refresh(self) -> None:
        """Read the runs anew: soon where they are looked at, else when they will be."""
        self._is_stale = True
        self._pause.start()

    def stop(self) -> None:
        """Stop what is under way and wait for it; a second time does nothing."""
        self._let_go()
        self._deleter.stop()
        self._sender.stop()
        self._jobs.stop()
        self._comparison.stop()

    def _connect(self) -> None:
        page, project = self._page, QgsProject.instance()
        page.refresh_requested.connect(self._read)
        page.open_requested.connect(self._open)
        page.compare_requested.connect(self._compare)
        page.repeat_requested.connect(self._repeat)
        page.change_requested.connect(self._change)
        page.resume_requested.connect(self._dock.resume_requested)
        page.send_requested.connect(self._sender.ask)
        page.delete_requested.connect(lambda path: self._deleter.ask(path, page.entries))
        page.folder_opened.connect(self._dock.folder_opened)
        page.note_edited.connect(self._write_note)
        page.size_requested.connect(self._measure)
        page.place_added.connect(lambda place: self._keep_places([*list_added(), place]))
        page.place_removed.connect(lambda place: self._keep_places([each for each in list_added() if each != place]))
        self._dock.tabs.currentChanged.connect(self._read_if_seen)
        self._dock.visibilityChanged.connect(self._read_if_seen)
        for changed in (project.readProject, project.cleared, project.projectSaved, project.layersAdded):
            changed.connect(self._forget)
        page.destroyed.connect(self._let_go)  # the project outlives the dock

    def _let_go(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._pause.stop()
        project = QgsProject.instance()
        for changed in (project.readProject, project.cleared, project.projectSaved, project.layersAdded):
            changed.disconnect(self._forget)

    # -- reading ------------------------------------------------------------------------------------------------------

    def _forget(self, *_: object) -> None:
        self.refresh()

    def _read_if_seen(self, *_: object) -> None:
        """Read where the tab is looked at; what goes on may have changed since, whoever did it."""
        if self._is_over or self._dock.tabs.currentWidget() is not self._dock.runsTab or not self._dock.isVisible():
            return
        if self._is_stale or self.sender() is self._dock.tabs:
            self._read()

    def _read(self) -> None:
        if self._reading is not None:
            self._reading.drop()
        self._is_stale, self._found = False, []
        places = list_places(QgsProject.instance())
        self._page.show_reading()
        self._reading = self._jobs.start(
            lambda tell_, is_over: _read_runs(places, tell_, is_over), self._end, self._hear
        )

    def _hear(self, entries: list[RunEntry]) -> None:
        """Show the first runs of many at once; a table that is full already waits for all of them."""
        closed_over = find_unfinished()
        if closed_over is not None:  # its worker was cancelled like any other
            entries = [replace(each, ending=LEFT) if each.path == closed_over.path else each for each in entries]
        is_first = not self._page.entries or len(self._page.entries) == len(self._found)
        self._found += entries
        if is_first:
            self._page.show_runs(self._found, is_all=False)

    def _end(self, outcome: object) -> None:
        self._page.show_runs(self._found)
        if isinstance(outcome, TunerError):
            self._refuse(outcome)

    def _measure(self, path: str) -> None:
        if self._measuring is not None:
            self._measuring.drop()

        def show(size: object) -> None:
            if isinstance(size, int):
                self._page.show_size(path, size)

        self._measuring = self._jobs.start(lambda _, is_over: measure_bytes(Path(path), is_over), show)

    def _keep_places(self, places: list[str]) -> None:
        keep_added(places)
        QTimer.singleShot(0, lambda: self._page.show_places(list_added()))  # the menu may still be open
        self._read()

    # -- deeds --------------------------------------------------------------------------------------------------------

    def _open(self, path: str) -> None:
        self._reviewer.open(RunFolder(Path(path)))
        self._dock.tabs.setCurrentWidget(self._dock.reviewTab)

    def _repeat(self, path: str) -> None:
        try:
            rerun = take_repetition(Path(path))
        except TunerError as error:
            self._refuse(error)
        else:
            self._start_run(lambda: rerun)

    def _change(self, path: str) -> None:
        try:
            missed = fill_form(Path(path), self._dock, QgsProject.instance())
        except TunerError as error:
            self._refuse(error)
            return
        self._dock.tabs.setCurrentWidget(self._dock.tuneTab)
        self._dock.scrollArea.ensureWidgetVisible(self._dock.formPage.rasterCombo)
        text = self.tr("The form is filled with the choices of {}.").format(Path(path).name)
        tell(self._iface.messageBar(), WARNING if missed else INFO, text, " ".join(missed))

    def _write_note(self, path: str, text: str) -> None:
        try:
            write_note(RunFolder(Path(path)), text)
        except TunerError as error:
            self._refuse(error)
        else:
            entry = read_run_entry(Path(path))
            self._page.show_runs([entry if each.path == entry.path else each for each in self._page.entries])

    def _compare(self, first: str, second: str) -> None:
        if self._comparison.is_busy:
            return
        try:
            pair_blocks(read_record(Path(first)), read_record(Path(second)))
        except TunerError as error:
            self._page.show_sentence(error.message, error.hint)
            return
        self._page.show_sentence(self.tr("Comparing..."))
        options = CompareOptions(Path(first), Path(second), json=True)
        client, arguments = WorkerClient(self._environment), ["compare", *list_arguments(options)]
        self._comparison.start(lambda _, is_cancelled: client.ask(arguments, is_cancelled), self._show_comparison)

    def _show_comparison(self, outcome: object) -> None:
        if isinstance(outcome, TunerError):
            self._refuse(outcome)
        elif isinstance(outcome, dict) and outcome:
            comparison = decode(RunComparison, outcome)
            self._page.show_sentence(comparison.difference.sentence)
            dialog = CompareDialog(comparison, self._iface.mainWindow())
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            self.destroyed.connect(dialog.reject)
            dialog.open()

    def _refuse(self, error: TunerError) -> None:
        self._page.show_sentence(error.message, error.hint)
        log(join(error.message, error.hint), WARNING)


def _read_runs(places: list[Path], tell_: Callable[[object], None], is_over: Callable[[], bool]) -> None:
    """Find the runs and read each, some at once."""
    entries = []
    for path in find_runs(places, is_over):
        entries.append(read_run_entry(path))
        if len(entries) == _AT_ONCE:
            tell_(entries)
            entries = []
    tell_(entries)
