"""How like a raster is to the imagery that a model learnt from, asked of the worker beside whatever else goes on."""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtCore import QObject, pyqtSignal

from ...core.command_options import LikenOptions
from ...core.environment import Environment
from ...core.errors import TunerError
from ...core.events import WARNING, Notice
from ...core.option import list_arguments
from ..worker_client.background import BackgroundJobs, BackgroundThread
from ..worker_client.client import WorkerClient


class ImageryCheck(QObject):
    """Answers the latest question alone: ``answered`` carries a list of Notices, one where it cannot be compared."""

    answered = pyqtSignal(list)

    def __init__(self, environment: Environment, parent: QObject | None = None) -> None:
        """Wait to be asked."""
        super().__init__(parent)
        self._environment = environment
        self._jobs = BackgroundJobs(self)
        self._latest: BackgroundThread | None = None

    def ask(self, options: LikenOptions) -> None:
        """Let the worker compare."""
        self.drop()
        client, arguments = WorkerClient(self._environment), ["liken", *list_arguments(options)]
        self._latest = self._jobs.start(lambda _, is_cancelled: client.ask(arguments, is_cancelled), self._end)

    def drop(self) -> None:
        """Want no answer any more."""
        if self._latest is not None:
            self._latest.drop()

    def stop(self) -> None:
        """Stop what is under way and wait for it."""
        self._jobs.stop()

    def _end(self, outcome: dict[str, Any] | TunerError) -> None:
        if isinstance(outcome, TunerError):
            self.answered.emit([Notice(WARNING, outcome.message, outcome.hint)])
        else:
            self.answered.emit([Notice(**each) for each in outcome.get("differences", [])])
