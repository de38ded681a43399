"""The threads that do what takes long: follow a worker, set up its environment. One queued signal an event."""

from __future__ import annotations

import os
import threading
import traceback
from pathlib import Path
from typing import Callable, Protocol, Sequence

from qgis.PyQt.QtCore import QObject, QThread, pyqtSignal

from ...core.environment import Environment, SetupStep, set_up, worker_command, worker_environ
from ...core.errors import SetupError, TunerError
from ...core.events import Event, Notice
from ...core.folder import RunFolder
from ...core.worker_process import Ending, WorkerProcess
from ..layers.layer_checks import Polygons
from ..layers.polygon_copy import CopyCancelled, copy_polygons
from .proxy import add_proxy

_REPORT = "This is a fault of the plugin: please report it with QGIS's message log."


class RunInputsWriter(Protocol):
    """What fills a run's new folder."""

    def write_to(self, folder: RunFolder, is_cancelled: Callable[[], bool]) -> list[Notice]:
        """Write the job and its inputs, and return what is to be told; raises TunerError and CopyCancelled."""


class FollowThread(QThread):
    """Follows one worker that does what its ``arguments`` say; ``log`` takes the worker's standard error.

    ``finish`` and ``cancel`` may be called at any time. ``ended`` is the last signal, and there is always one.
    """

    event_heard = pyqtSignal(object)  # core.events.Event
    ended = pyqtSignal(object)  # core.follow.Ending

    def __init__(
        self, environment: Environment, arguments: Sequence[str], log: Path, parent: QObject | None = None
    ) -> None:
        """Remember what to do; ``start`` does it."""
        super().__init__(parent)
        self._cancelled = threading.Event()
        self._follower = WorkerProcess(
            worker_command(environment, *arguments), worker_environ(add_proxy(os.environ)), log
        )

    def finish(self) -> None:
        """Ask the worker to stop tuning and go on with the best epoch so far."""
        self._follower.finish()

    def cancel(self) -> None:
        """Ask for the end of it all, also before the worker has started."""
        self._cancelled.set()
        self._follower.cancel()

    def run(self) -> None:
        """Prepare and follow; called by Qt, in the thread."""
        try:
            self.prepare()
            ending = self._follower.run(self.tell)
        except CopyCancelled:
            ending = Ending("cancelled", "The run was cancelled.", "It had not begun.")
        except TunerError as error:
            ending = Ending("failed", error.message, error.hint)
        except Exception as error:  # noqa: BLE001 - the thread's last line of defence: PyQt would abort QGIS
            ending = Ending("failed", f"The run broke off: {error!r}.", _REPORT, log_tail=traceback.format_exc())
        self.ended.emit(ending)

    def prepare(self) -> None:
        """Do what comes before the worker, in the thread."""

    def tell(self, event: Event) -> None:
        """Pass an event on."""
        self.event_heard.emit(event)


class CopyThread(FollowThread):
    """Follows one worker that works on a copy of polygons, which is made first."""

    def __init__(
        self,
        environment: Environment,
        arguments: Sequence[str],
        log: Path,
        polygons: Polygons | None,
        copy: Path,
        parent: QObject | None = None,
    ) -> None:
        """Remember what to do; ``start`` does it. Without polygons nothing is copied."""
        super().__init__(environment, arguments, log, parent)
        self._polygons, self._copy = polygons, copy

    def prepare(self) -> None:
        """Copy the polygons."""
        if self._polygons is not None:
            copy_polygons(self._polygons, self._copy, self._cancelled.is_set)


class RunThread(FollowThread):
    """Follows one worker in a run's folder: ``verb`` is ``run`` or ``check``.

    With a delivery the folder is new and is filled first; without one the job that is there already is resumed.
    """

    def __init__(
        self,
        environment: Environment,
        folder: RunFolder,
        inputs: RunInputsWriter | None = None,
        verb: str = "run",
        parent: QObject | None = None,
    ) -> None:
        """Remember what to do, and QGIS's proxy; ``start`` does it."""
        super().__init__(environment, (verb, str(folder.job)), folder.log, parent)
        self.folder = folder
        self.verb = verb
        self._inputs = inputs

    def prepare(self) -> None:
        """Fill the folder with the job's inputs."""
        if self._inputs is not None:
            for notice in self._inputs.write_to(self.folder, self._cancelled.is_set):
                self.tell(notice)


class SetupThread(QThread):
    """Makes the worker's environment ready. ``ended`` carries a Verdict or a TunerError."""

    step_taken = pyqtSignal(object)  # core.environment.SetupStep
    ended = pyqtSignal(object)

    def __init__(self, environment: Environment, parent: QObject | None = None) -> None:
        """Remember what to do; ``start`` does it."""
        super().__init__(parent)
        self._environment = environment
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Ask for the end; what is half done is cleared by the next set-up."""
        self._cancelled.set()

    def run(self) -> None:
        """Set up; called by Qt, in the thread."""
        try:
            outcome: object = set_up(self._environment, self._tell, self._cancelled.is_set)
        except TunerError as error:
            outcome = error
        except Exception as error:  # noqa: BLE001 - the thread's last line of defence: PyQt would abort QGIS
            outcome = SetupError(f"The set-up broke off: {error!r}.\n{traceback.format_exc()}", _REPORT)
        self.ended.emit(outcome)

    def _tell(self, step: SetupStep) -> None:
        self.step_taken.emit(step)
