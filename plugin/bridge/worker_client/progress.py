"""How far a run is as a whole."""

from __future__ import annotations

import threading
from typing import Sequence

from ...core.events import OCCASIONAL_STAGES, STAGES, Event, Finished, Progress, StageStarted


class OverallProgress:
    """Turns events into a percentage that never falls; each of ``stages`` counts the same. Any thread may look.

    A stage that comes only where there is something to do counts once it has come.
    """

    def __init__(self, stages: Sequence[str] = STAGES) -> None:
        """Start at nothing."""
        self.percent = 0.0
        self.is_over = threading.Event()
        self.was_cancelled = False
        self._all = list(stages)
        self._stages = [stage for stage in stages if stage not in OCCASIONAL_STAGES]

    def read(self, event: Event) -> float:
        """Return how many hundredths of the run are behind it, after this event."""
        if isinstance(event, Finished):
            self.percent = 100.0
        elif isinstance(event, (StageStarted, Progress)) and event.stage in self._all:
            self._stages = self._stages if event.stage in self._stages else self._all
            done = event.done if isinstance(event, Progress) else 0.0
            share = (self._stages.index(event.stage) + done) / len(self._stages)
            self.percent = max(self.percent, min(100.0, 100.0 * share))
        return self.percent

    def end(self, was_cancelled: bool = False) -> None:
        """Say that the run is over, however it ended."""
        self.was_cancelled = was_cancelled
        self.is_over.set()
