"""*Apply*: the whole raster traced anew with another threshold, in the background. Main thread only."""

from __future__ import annotations

from typing import Callable, Sequence

from qgis.core import QgsProject, QgsVectorLayer
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QCoreApplication, QObject, pyqtSignal

from ....core.command_options import RetraceOptions
from ....core.edits import keep_edited
from ....core.environment import Environment, require_ready
from ....core.errors import InputError
from ....core.events import Event, Notice
from ....core.folder import RunFolder
from ....core.option import list_arguments
from ....core.run_record import RunRecord
from ....core.worker_process import Ending
from ...layers.results import find_rescored
from ...worker_client.background import BackgroundJobs
from ...worker_client.progress import OverallProgress
from ...worker_client.run_thread import RunThread

#: What the worker's ``retrace`` goes through.
STAGES = ("check", "split", "trace", "score", "write")


class Retracer(QObject):
    """Lets the worker trace a run anew, one run at a time; ``ended`` carries an Ending.

    ``record`` is the run, ``kept`` the name of the copy of its footprints that were edited ("": none was), ``reason``
    why it was broken off.
    """

    progressed = pyqtSignal(float)  # per cent
    ended = pyqtSignal(object)

    def __init__(self, environment: Environment, parent: QObject | None = None) -> None:
        """Wait to be asked."""
        super().__init__(parent)
        self._environment = environment
        self._jobs = BackgroundJobs(self)
        self._thread: RunThread | None = None
        self._progress = OverallProgress(STAGES)
        self._watched: list[QgsVectorLayer] = []
        self.record: RunRecord | None = None
        self.kept = self.reason = ""

    def start(self, record: RunRecord, options: RetraceOptions) -> None:
        """Begin; raises SetupError without an environment, InputError where a layer of the run is being edited."""
        require_ready(self._environment)
        refuse_edits(record.folder, QgsProject.instance())
        self.record, self.kept, self.reason, self._progress = record, "", "", OverallProgress(STAGES)

        def keep(folder: RunFolder, _: Callable[[], bool]) -> Sequence[Notice]:
            self.kept = keep_edited(folder.footprints, record.report.written)
            return ()

        arguments = ("retrace", *list_arguments(options))
        self._thread = RunThread(self._environment, record.folder, keep, arguments)
        self._watched = find_rescored(record.folder, QgsProject.instance())
        for layer in self._watched:
            layer.editingStarted.connect(self._break_off)
        self._jobs.start_thread(self._thread, self._end, self._hear)

    def cancel(self) -> None:
        """Ask for the end: the run stays as it was."""
        if self._thread is not None:
            self._thread.cancel()

    def stop(self) -> None:
        """End it and wait for it; nothing is told any more."""
        self._watch_no_more()
        self._jobs.stop()

    def _hear(self, event: Event) -> None:
        self.progressed.emit(self._progress.read(event))

    def _break_off(self) -> None:
        """The files must not be replaced beneath somebody's edits."""
        tr = QCoreApplication.translate
        self.reason = tr("Retracer", "A layer of the run is being edited: the run stays as it was. Apply it later.")
        self.cancel()

    def _end(self, ending: Ending) -> None:
        self._watch_no_more()
        self.ended.emit(ending)

    def _watch_no_more(self) -> None:
        layers, self._watched = self._watched, []
        for layer in layers:
            if not sip.isdeleted(layer):
                layer.editingStarted.disconnect(self._break_off)


def refuse_edits(folder: RunFolder, project: QgsProject) -> None:
    """Raise InputError where a file that is to be replaced is being edited, here or by another program."""
    tr = QCoreApplication.translate
    for layer in find_rescored(folder, project):
        if layer.isEditable():
            message = tr("Retracer", 'The layer "{}" is being edited.').format(layer.name())
            raise InputError(message, tr("Retracer", "Save its edits or roll them back, then press the button again."))
    for path in (folder.footprints, folder.errors):
        if path.with_name(f"{path.name}-wal").exists():  # where SQLite keeps what is not in the file yet
            message = tr("Retracer", "{} is being edited by another program.").format(path.name)
            raise InputError(message, tr("Retracer", "Save the edits there and close it, then press the button again."))
