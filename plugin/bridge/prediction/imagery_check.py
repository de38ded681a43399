"""How like a raster is to the imagery that a model learnt from, asked of the worker beside whatever else goes on."""

from __future__ import annotations

from typing import Sequence

from qgis.PyQt.QtCore import QObject, Qt, pyqtSignal

from ...core.environment import Environment
from ...core.errors import TunerError
from ...core.events import WARNING, Notice
from ..worker_client.client import WorkerCommand


class ImageryCheck(QObject):
    """Answers the latest question alone: ``answered`` carries a list of Notices, one where it cannot be compared."""

    answered = pyqtSignal(list)

    def __init__(self, environment: Environment, parent: QObject | None = None) -> None:
        """Wait to be asked."""
        super().__init__(parent)
        self._environment = environment
        self._errands: list[WorkerCommand] = []

    def ask(self, order: Sequence[str]) -> None:
        """Let the worker compare; ``order`` names raster, model and ground as its command line does."""
        self.drop()
        command = WorkerCommand(self._environment, ["liken", *order, "--json"], self)
        command.ended.connect(lambda outcome: self._end(command, outcome), Qt.ConnectionType.QueuedConnection)
        self._errands.append(command)
        command.start()

    def drop(self) -> None:
        """Want no answer any more."""
        for command in self._errands:
            command.cancel()

    def stop(self) -> None:
        """Stop what is under way and wait for it."""
        errands, self._errands = self._errands, []
        for command in errands:
            command.cancel()
        for command in errands:
            command.wait()

    def _end(self, command: WorkerCommand, outcome: object) -> None:
        if command not in self._errands:
            return  # stopped
        is_latest = command is self._errands[-1]
        self._errands.remove(command)
        command.wait()
        command.deleteLater()
        if not is_latest:
            return
        if isinstance(outcome, TunerError):
            self.answered.emit([Notice(WARNING, outcome.message, outcome.hint)])
        elif isinstance(outcome, dict):
            self.answered.emit([Notice(**each) for each in outcome.get("differences", [])])
