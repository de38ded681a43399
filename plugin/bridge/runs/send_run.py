"""A run on its way to somebody else: ask where to, write the zip, say how it went."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsApplication
from qgis.gui import QgisInterface
from qgis.PyQt.QtCore import QLocale, QObject

from ...core.delete_run import refuse_running
from ...core.errors import TunerError
from ...core.folder import RunFolder
from ...core.run_archive import PackingCancelled, RunArchive, pack_run, plan_archive
from ..worker_client.background import BackgroundJobs, BackgroundThread
from ..worker_client.background_task import RunTask
from ..worker_client.messages import CRITICAL, INFO, SUCCESS, WARNING, tell
from ..worker_client.progress import OverallProgress
from .file_dialog import ask_file

_ENDING = "zip"


class RunSender(QObject):
    """Writes one zip at a time; QGIS's task manager shows how far it is, and cancels it."""

    def __init__(self, iface: QgisInterface, jobs: BackgroundJobs, parent: QObject | None = None) -> None:
        """Wait to be asked."""
        super().__init__(parent)
        self._iface, self._jobs = iface, jobs
        self._thread: BackgroundThread | None = None
        self._progress = OverallProgress()
        self._task: RunTask | None = None  # QGIS forgets the Python half of a task that nobody holds

    def ask(self, run: str) -> None:
        """Ask where the run in that folder is to go, and say how much it is; nothing waits for the answer."""
        bar, folder = self._iface.messageBar(), RunFolder(Path(run))
        if self._thread is not None:
            tell(bar, WARNING, self.tr("A zip is being written already."), self.tr("Wait until it is done."))
            return
        try:
            refuse_running(folder)
            archive = plan_archive(folder)
        except (TunerError, OSError) as error:
            tell(bar, WARNING, str(error), getattr(error, "hint", ""))
            return
        size = QLocale().formattedDataSize(archive.size, 0)
        title = self.tr("Send as zip: at most {}, without imagery").format(size)
        suggested = folder.path.parent.parent / f"{folder.path.name}.{_ENDING}"
        ask_file(self._iface.mainWindow(), self, title, suggested, "ZIP", lambda path: self.send(archive, path))

    def send(self, archive: RunArchive, out: Path) -> None:
        """Write the zip in a thread."""
        self._progress = progress = OverallProgress()

        def measure(share: float) -> None:
            progress.percent = 100 * share

        self._thread = thread = self._jobs.start(
            lambda _, is_cancelled: pack_run(archive, out, measure, is_cancelled, may_replace=True), self._end
        )
        self._task = RunTask(
            self.tr("Footprint Tuner: zip of {}").format(archive.folder.path.name), progress, thread.cancel
        )
        QgsApplication.taskManager().addTask(self._task)
        tell(self._iface.messageBar(), INFO, self.tr("The zip is being written."))

    def stop(self) -> None:
        """Let the task end; the thread is stopped with the others."""
        self._thread = None
        self._progress.end()

    def _end(self, outcome: object) -> None:
        self._thread = None
        self._progress.end(was_cancelled=isinstance(outcome, PackingCancelled))
        bar = self._iface.messageBar()
        if isinstance(outcome, PackingCancelled):
            tell(bar, INFO, outcome.message)
        elif isinstance(outcome, TunerError):
            tell(bar, CRITICAL, outcome.message, outcome.hint)
        elif isinstance(outcome, Path):
            size = QLocale().formattedDataSize(outcome.stat().st_size if outcome.exists() else 0, 0)
            tell(bar, SUCCESS, self.tr("The run was written to {path} ({size}).").format(path=outcome, size=size))
