"""The thread that follows a worker: one queued signal an event."""

from __future__ import annotations

import threading
import traceback
from typing import Callable, Sequence

from ...core.environment import Environment
from ...core.errors import CopyCancelled, TunerError
from ...core.events import Event, Notice
from ...core.folder import RunFolder
from ...core.worker_process import Ending
from .background import REPORT, BackgroundThread
from .client import WorkerClient

#: Fills a run's folder before the worker starts, in the thread; gets the folder and a function that tells whether to
#: stop, returns what is to be told, and raises TunerError or CopyCancelled.
Prepare = Callable[[RunFolder, Callable[[], bool]], Sequence[Notice]]


class RunThread(BackgroundThread):
    """Follows one worker; the log of ``folder`` takes its standard error. Without ``arguments`` the folder's job runs.

    ``told`` carries each event, ``ended`` an Ending. Made on the main thread.
    """

    def __init__(
        self,
        environment: Environment,
        folder: RunFolder,
        prepare: Prepare | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        """Remember what to do, and QGIS's proxy; ``start`` does it."""
        super().__init__(self._follow)
        self.folder = folder
        self.arguments = arguments or ("run", str(folder.job))
        self._client, self._prepare = WorkerClient(environment), prepare
        self._finishing = threading.Event()

    def finish(self) -> None:
        """Ask the worker to stop tuning and go on with the best epoch so far; any thread, also before the start."""
        self._finishing.set()

    def _follow(self, tell: Callable[[Event], None], is_cancelled: Callable[[], bool]) -> Ending:
        try:
            for notice in self._prepare(self.folder, is_cancelled) if self._prepare is not None else ():
                tell(notice)
            return self._client.run(self.arguments, self.folder.log, tell, is_cancelled, self._finishing.is_set)
        except CopyCancelled:
            return Ending("cancelled", "The run was cancelled.", "It had not begun.")
        except TunerError as error:
            return Ending("failed", error.message, error.hint)
        except Exception as error:  # noqa: BLE001 - an ending must come, whatever happened
            return Ending("failed", f"Unexpected error: {error!r}.", REPORT, log_tail=traceback.format_exc())
