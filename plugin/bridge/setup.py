"""The set-up of the worker's environment, asked for in the dock. Main thread only."""

from __future__ import annotations

from typing import Callable

from qgis.core import QgsSettings
from qgis.gui import QgisInterface
from qgis.PyQt.QtCore import QObject

from ...ui.dock import TunerDock
from ..core.environment import Environment, SetupCancelled, Verdict, set_up
from ..core.errors import TunerError
from .worker_client.background import BackgroundJobs, BackgroundThread
from .worker_client.messages import CRITICAL, INFO, WARNING, join, log, tell

DEVICE_SETTING = "footprint_tuner/device_text"


class Installer(QObject):
    """Sets the environment up in a thread, and tells the dock how far it is."""

    def __init__(
        self,
        iface: QgisInterface,
        environment: Environment,
        dock: TunerDock,
        is_free: Callable[[], bool],
        parent: QObject | None = None,
    ) -> None:
        """Wait to be asked; ``is_free`` tells whether nothing else is running."""
        super().__init__(parent)
        self._iface, self._environment, self._dock, self._is_free = iface, environment, dock, is_free
        self._jobs = BackgroundJobs(self)
        self._setup: BackgroundThread | None = None
        dock.setup_requested.connect(self._set_up)
        dock.setup_cancel_requested.connect(self._cancel)

    @property
    def is_busy(self) -> bool:
        """Whether a set-up is under way."""
        return self._jobs.is_busy

    def stop(self) -> None:
        """Stop what is under way and wait for it; nothing is shown any more."""
        self._jobs.stop()

    def _set_up(self) -> None:
        if self._is_free():
            self._setup = self._jobs.start(
                lambda tell_, is_cancelled: set_up(self._environment, tell_, is_cancelled),
                self._end,
                self._dock.show_setup_step,
            )

    def _cancel(self) -> None:
        if self._setup is not None:
            self._setup.cancel()

    def _end(self, outcome: Verdict | TunerError) -> None:
        if isinstance(outcome, SetupCancelled):
            self._dock.show_setup_needed(outcome.message, outcome.hint)
        elif isinstance(outcome, TunerError):
            self._dock.show_setup_ended(False, outcome.message, outcome.hint)
            tell(self._iface.messageBar(), CRITICAL, outcome.message, outcome.hint)
        else:
            self._dock.show_setup_ended(outcome.ok, outcome.text, outcome.hint)
            log(join(outcome.text, outcome.hint), INFO if outcome.ok else WARNING)
            if outcome.ok:
                QgsSettings().setValue(DEVICE_SETTING, outcome.text)
                self._dock.show_device(outcome.text)
                self._dock.show_idle()
