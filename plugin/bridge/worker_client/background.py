"""Work that takes long, done in a thread of its own. What it tells arrives on the main thread."""

from __future__ import annotations

import threading
import traceback
from typing import Any, Callable

from qgis.PyQt.QtCore import QObject, Qt, QThread, pyqtSignal

from ...core.errors import RunError, TunerError
from .messages import WARNING, log

REPORT = "This is a fault of the plugin: please report it with QGIS's message log."
#: Gets a function that passes something on to the main thread, and one that tells whether it should stop.
BackgroundJob = Callable[[Callable[[Any], None], Callable[[], bool]], object]


class BackgroundThread(QThread):
    """Does a job. ``told`` carries what it passes on; ``ended``, the last signal, what it returned or a TunerError."""

    told = pyqtSignal(object)
    ended = pyqtSignal(object)

    def __init__(self, job: BackgroundJob) -> None:
        """Remember what to do; ``start`` does it."""
        super().__init__()
        self._job = job
        self._cancelled = threading.Event()
        self.is_wanted = True

    def cancel(self) -> None:
        """Ask for the end; any thread."""
        self._cancelled.set()

    def drop(self) -> None:
        """Ask for the end, and want no answer."""
        self.is_wanted = False
        self.cancel()

    def run(self) -> None:
        """Do it; called by Qt, in the thread."""
        try:
            outcome = self._job(self.told.emit, self._cancelled.is_set)
        except TunerError as error:
            outcome = error
        except Exception as error:  # noqa: BLE001 - the thread's last line of defence: PyQt would abort QGIS
            log(traceback.format_exc(), WARNING)
            outcome = RunError(f"Unexpected error: {error!r}.", REPORT)
        self.ended.emit(outcome)


class BackgroundJobs(QObject):
    """Holds the threads that are at work, and waits for them in the end. Main thread only."""

    def __init__(self, parent: QObject | None = None) -> None:
        """Begin without any."""
        super().__init__(parent)
        self._threads: set[BackgroundThread] = set()

    @property
    def is_busy(self) -> bool:
        """Whether an answer is still to come."""
        return any(thread.is_wanted for thread in self._threads)

    def start(
        self, job: BackgroundJob, answer: Callable[[Any], None], hear: Callable[[Any], None] | None = None
    ) -> BackgroundThread:
        """Start a job in a new thread, which is returned; otherwise as ``start_thread``."""
        thread = BackgroundThread(job)
        self.start_thread(thread, answer, hear)
        return thread

    def start_thread(
        self, thread: BackgroundThread, answer: Callable[[Any], None], hear: Callable[[Any], None] | None = None
    ) -> None:
        """Start a thread; ``answer`` gets its outcome and ``hear`` what it tells, unless it is dropped before."""
        thread.setParent(self)
        self._threads.add(thread)

        def end(outcome: object) -> None:
            if thread in self._threads:
                self._threads.remove(thread)
                thread.wait()
                thread.deleteLater()
                if thread.is_wanted:
                    answer(outcome)

        def pass_on(said: object) -> None:
            if thread.is_wanted and hear is not None:
                hear(said)

        thread.told.connect(pass_on, Qt.ConnectionType.QueuedConnection)
        thread.ended.connect(end, Qt.ConnectionType.QueuedConnection)
        thread.start()

    def stop(self) -> None:
        """Drop all and wait for them."""
        threads, self._threads = self._threads, set()
        for thread in threads:
            thread.drop()
        for thread in threads:
            thread.wait()
            thread.deleteLater()
