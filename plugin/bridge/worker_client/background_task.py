"""A run's line in QGIS's task manager."""

from __future__ import annotations

from typing import Callable

from qgis.core import QgsTask

from .progress import OverallProgress

_WAIT_S = 0.3


class RunTask(QgsTask):
    """Stands for a run that a RunThread does: shows its progress and passes a cancel on."""

    def __init__(self, title: str, progress: OverallProgress, on_cancel: Callable[[], None]) -> None:
        """Last until the run is over. QGIS asks nothing of its own when it closes: the plugin's ``ExitGuard`` does."""
        super().__init__(title, QgsTask.Flag.CanCancel | QgsTask.Flag.CancelWithoutPrompt)
        self._progress = progress
        self._on_cancel = on_cancel

    def run(self) -> bool:
        """Show the meter until the run is over; called by QGIS, in a thread of its pool."""
        while not self._progress.is_over.wait(_WAIT_S):
            self.setProgress(self._progress.percent)
        return not self._progress.was_cancelled

    def cancel(self) -> None:
        """Pass the cancel on, which may come to nothing; called by QGIS."""
        self._on_cancel()
