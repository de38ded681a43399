"""The long-lived worker that answers questions about a run: JSON lines there and back. Main thread only.

A QProcess works beside the main thread; here its lines are only read and handed on.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Mapping

from qgis.PyQt.QtCore import QObject, QProcess, QProcessEnvironment, QTemporaryDir, QTimer, pyqtSignal

from ...core.environment import Environment, worker_command, worker_environ
from ...core.folder import RunFolder
from .messages import WARNING, log
from .proxy import add_proxy

_GRACE_MS = 3000
_TAIL_BYTES = 8192


class LiveWorker(QObject):
    """Talks with one worker about one run, from the start to ``stop``.

    ``ready``, ``answered`` and ``curve_told`` carry what the worker said, as its protocol has it. ``ended`` carries a
    message and a hint where the worker left without being told to; it is the last signal.
    """

    ready = pyqtSignal(object)
    answered = pyqtSignal(object)
    curve_told = pyqtSignal(object)
    ended = pyqtSignal(str, str)

    def __init__(self, environment: Environment, folder: RunFolder, parent: QObject | None = None) -> None:
        """Wait for ``start``; the worker's standard error goes to a temporary file."""
        super().__init__(parent)
        self._number = 0
        self._asked: dict[str, Any] | None = None
        self._pending: dict[str, Any] | None = None
        self._is_over = False
        self._place = QTemporaryDir()
        self._log = Path(self._place.path()) / "log.txt"
        self._process = process = QProcess(self)
        process.setProcessEnvironment(_make_environment(worker_environ(add_proxy(os.environ))))
        process.setStandardErrorFile(str(self._log))
        process.readyReadStandardOutput.connect(self._read)
        process.errorOccurred.connect(self._fail)
        process.finished.connect(self._finish)
        self._program, *self._arguments = worker_command(environment, "review", str(folder.path))
        self._patience = QTimer(self, singleShot=True, interval=_GRACE_MS)
        self._patience.timeout.connect(process.kill)

    def start(self) -> None:
        """Start the worker, without waiting for it."""
        self._process.start(self._program, self._arguments)

    def ask_trace(self, question: Mapping[str, Any]) -> None:
        """Ask for footprints. One question is under way at a time; of those that come meanwhile the newest is kept."""
        self._number += 1
        request = {"id": self._number, "do": "trace", **question}
        if self._asked is None:
            self._send_trace(request)
        else:
            self._pending = request

    def ask_curve(self, min_area_m2: float) -> None:
        """Ask for F1 on validation ground by threshold; an earlier question for it is forgotten."""
        self._number += 1
        self._send({"id": self._number, "do": "curve", "min_area_m2": min_area_m2})

    def stop(self) -> None:
        """End it, without waiting: the worker leaves when its input ends. Nothing is told any more."""
        if self._is_over:
            return
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

    def _send_trace(self, request: dict[str, Any]) -> None:
        self._asked, self._pending = request, None
        self._send(request)

    def _send(self, request: Mapping[str, Any]) -> None:
        self._process.write(json.dumps(request).encode() + b"\n")

    def _read(self) -> None:
        while self._process.canReadLine():
            line = bytes(self._process.readLine())
            if not self._is_over:
                self._hear(line)

    def _hear(self, line: bytes) -> None:
        try:
            said = json.loads(line)
        except ValueError:
            log(f"The worker said something that is no JSON: {line[:200]!r}", WARNING)
            return
        if "ready" in said:
            self.ready.emit(said["ready"])
        elif "failed" in said:
            self._end(said["failed"]["message"], said["failed"]["hint"])
        elif "curve" in said:
            self.curve_told.emit(said["curve"])
        elif "answer" in said:
            self._hear_answer(said)

    def _hear_answer(self, said: dict[str, Any]) -> None:
        if self._asked is not None and said["answer"] == self._asked["id"]:
            self._asked = None
            if self._pending is not None:
                self._send_trace(self._pending)
        self.answered.emit(said)

    def _fail(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            message = self.tr("The worker could not be started: {}").format(self._process.errorString())
            self._end(message, self.tr("Press Set up to repair it."))
            self.deleteLater()

    def _finish(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read()
        if not self._is_over:
            log(_read_tail(self._log), WARNING)
            message = self.tr("The worker ended without a word (exit code {}).").format(code)
            if status == QProcess.ExitStatus.CrashExit:
                message = self.tr("The worker was killed from outside, or crashed.")
            self._end(message, self.tr("Switch Live on again; QGIS's message log has its last words."))
        self.deleteLater()

    def _end(self, message: str, hint: str) -> None:
        if not self._is_over:
            self._is_over = True
            self._process.closeWriteChannel()
            self._patience.start()
            self.ended.emit(message, hint)


def _make_environment(environ: Mapping[str, str]) -> QProcessEnvironment:
    made = QProcessEnvironment()
    for name, value in environ.items():
        made.insert(name, value)
    return made


def _read_tail(path: Path) -> str:
    try:
        return path.read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace")
    except OSError:
        return ""
