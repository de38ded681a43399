"""What the algorithms have in common: they need the worker's environment, and they follow a worker."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn, Sequence

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
)

from ...core.environment import locate_environment, require_ready
from ...core.errors import SetupError, TunerError
from ...core.events import Finished
from ...core.worker_process import Ending
from ..worker_client.client import WorkerClient
from ..worker_client.messages import join
from .declared_algorithm import DeclaredAlgorithm
from .feedback import FeedbackAdapter
from .parameters import Values


class WorkerAlgorithm(DeclaredAlgorithm):
    """An algorithm whose work is done by the worker."""

    #: Starts workers; there once the algorithm is prepared, as QGIS's proxy is looked up on the main thread.
    client: WorkerClient

    def prepareAlgorithm(
        self, parameters: Values, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Get ready to start a worker; called by QGIS on the main thread."""
        del parameters, context, feedback
        self.client = WorkerClient(locate_environment())
        return True

    def canExecute(self) -> tuple[bool, str]:
        """Say what to do where the worker's environment is missing; called by QGIS before the dialog opens."""
        try:
            require_ready(locate_environment())
        except SetupError as error:
            return False, join(error.message, error.hint)
        return True, ""


def follow_worker(arguments: Sequence[str], log: Path, adapter: FeedbackAdapter, client: WorkerClient) -> Finished:
    """Start the worker and follow it to its end; a cancel is heard while it is silent, too.

    Returns its last event (an empty one where it was cancelled). Raises QgsProcessingException where it failed.
    """
    try:
        return _read_ending(client.run(arguments, log, adapter.tell, adapter.feedback.isCanceled), adapter)
    except TunerError as error:
        refuse(error)


def _read_ending(ending: Ending, adapter: FeedbackAdapter) -> Finished:
    if ending.kind in ("finished", "cancelled"):
        return ending.event or Finished()
    if ending.log_tail:
        adapter.feedback.pushConsoleInfo(ending.log_tail)
    where = f'It was in the stage "{ending.stage}".' if ending.kind == "died" and ending.stage else ""
    raise QgsProcessingException(join(join(ending.message, where), ending.hint))


def refuse(error: TunerError) -> NoReturn:
    """Raise the error as Processing's own."""
    raise QgsProcessingException(join(error.message, error.hint)) from error
