"""One thing that takes long, done in a thread of its own."""

from __future__ import annotations

import threading
import traceback
from typing import Any, Callable

from qgis.PyQt.QtCore import QObject, Qt, QThread, pyqtSignal

from ...core.errors import RunError, TunerError
from .messages import WARNING, log

_REPORT = "This is a fault of the plugin: please report it with QGIS's message log."
#: Gets a function that passes something on to the main thread, and one that tells whether it should stop.
BackgroundJob = Callable[[Callable[[object], None], Callable[[], bool]], object]


class BackgroundThread(QThread):
    """Does a deed. ``told`` carries what it passes on, ``ended`` what it returned, or a TunerError."""

    told = pyqtSignal(object)
    ended = pyqtSignal(object)

    def __init__(self, work: BackgroundJob, parent: QObject | None = None) -> None:
        """Remember what to do; ``start`` does it."""
        super().__init__(parent)
        self._work = work
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Ask for the end; any thread."""
        self._cancelled.set()

    def run(self) -> None:
        """Do it; called by Qt, in the thread."""
        try:
            outcome = self._work(self.told.emit, self._cancelled.is_set)
        except TunerError as error:
            outcome = error
        except Exception as error:  # noqa: BLE001 - the thread's last line of defence: PyQt would abort QGIS
            log(traceback.format_exc(), WARNING)
            outcome = RunError(f"Something unforeseen went wrong: {error!r}.", _REPORT)
        self.ended.emit(outcome)


class BackgroundJobs(QObject):
    """Holds the threads that are at work, and waits for them in the end. Main thread only."""

    def __init__(self, parent: QObject | None = None) -> None:
        """Begin without any."""
        super().__init__(parent)
        self._threads: set[BackgroundThread] = set()

    def start(
        self, work: BackgroundJob, answer: Callable[[Any], None], hear: Callable[[Any], None] | None = None
    ) -> BackgroundThread:
        """Start a deed; ``answer`` gets its outcome and ``hear`` what it tells, unless ``stop`` came before."""
        thread = BackgroundThread(work, self)
        self._threads.add(thread)

        def end(outcome: object) -> None:
            if thread in self._threads:
                self._threads.remove(thread)
                thread.wait()
                thread.deleteLater()
                answer(outcome)

        def pass_on(said: object) -> None:
            if thread in self._threads and hear is not None:
                hear(said)

        thread.told.connect(pass_on, Qt.ConnectionType.QueuedConnection)
        thread.ended.connect(end, Qt.ConnectionType.QueuedConnection)
        thread.start()
        return thread

    def stop(self) -> None:
        """Cancel all, wait for them, and hear nothing more of them."""
        threads, self._threads = self._threads, set()
        for thread in threads:
            thread.cancel()
        for thread in threads:
            thread.wait()
