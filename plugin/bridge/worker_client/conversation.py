"""A worker that stays and answers: lines there and back. Main thread only.

A QProcess works beside the main thread; here its lines are only read and handed on.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Mapping, Sequence

from qgis.PyQt.QtCore import QObject, QProcess, QProcessEnvironment, QTemporaryDir, QTimer, pyqtSignal

from ...core.worker_death import describe_death, read_tail
from .messages import WARNING, log

_GRACE_MS = 3000


class Conversation(QObject):
    """Talks with one worker, from ``start`` to ``stop``.

    ``heard`` carries each line that the worker says. ``ended`` carries a message and a hint where the worker exited
    though it was not stopped; it is the last signal.
    """

    heard = pyqtSignal(bytes)
    ended = pyqtSignal(str, str)

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], parent: QObject) -> None:
        """Wait for ``start``; the worker's standard error goes to a temporary file."""
        super().__init__(parent)
        self._is_over = False
        self._place = QTemporaryDir()
        self._log = Path(self._place.path()) / "log.txt"
        self._process = process = QProcess(self)
        process.setProcessEnvironment(_make_environment(environ))
        process.setStandardErrorFile(str(self._log))
        process.readyReadStandardOutput.connect(self._read)
        process.errorOccurred.connect(self._fail)
        process.finished.connect(self._finish)
        self._program, *self._arguments = command
        self._patience = QTimer(self, singleShot=True, interval=_GRACE_MS)
        self._patience.timeout.connect(process.kill)

    def start(self) -> None:
        """Start the worker, without waiting for it."""
        self._process.start(self._program, self._arguments)

    def say(self, line: str) -> None:
        """Send a line."""
        self._process.write(line.encode() + b"\n")

    def stop(self) -> None:
        """End it, without waiting: the worker leaves when its input ends. Nothing is told any more."""
        if not self._is_over:
            self._is_over = True
            self._process.closeWriteChannel()
            self._patience.start()
            if self._process.state() == QProcess.ProcessState.NotRunning:
                self.deleteLater()

    def wait(self) -> None:
        """Wait for a worker that was stopped; it leaves at once, and is killed where it does not."""
        if self._process.state() != QProcess.ProcessState.NotRunning and not self._process.waitForFinished(_GRACE_MS):
            self._process.kill()
            self._process.waitForFinished(_GRACE_MS)

    def _read(self) -> None:
        while self._process.canReadLine():
            line = bytes(self._process.readLine())
            if not self._is_over:
                self.heard.emit(line)

    def _fail(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            message = self.tr("The worker could not be started: {}").format(self._process.errorString())
            self._end(message, self.tr("Press Set up to repair it."))
            self.deleteLater()

    def _finish(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read()
        if not self._is_over:
            log(read_tail(self._log), WARNING)
            if status == QProcess.ExitStatus.CrashExit:  # Qt gives the signal's number, on Windows the status as signed
                code = code % 2**32 if sys.platform == "win32" else -code
            self._end(describe_death(code), self.tr("QGIS's message log has the last lines of its log."))
        self.deleteLater()

    def _end(self, message: str, hint: str) -> None:
        if not self._is_over:
            self._is_over = True
            self.ended.emit(message, hint)


def _make_environment(environ: Mapping[str, str]) -> QProcessEnvironment:
    made = QProcessEnvironment()
    for name, value in environ.items():
        made.insert(name, value)
    return made
