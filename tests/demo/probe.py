"""A timer that notices when Qt's event loop was away."""

import contextlib
import time

from qgis.PyQt.QtCore import QObject, Qt, QTimer

TICK_MS = 5


class Probe(QObject):
    """Ticks every 5 ms and keeps the longest time between two ticks, beyond those 5 ms.

    ``over_50_ms`` holds (stage, gap, of which the main thread was computing): where the last is small, the machine was
    busy with something else.
    """

    def __init__(self):
        """Begin stopped."""
        super().__init__()
        self.longest_ms = 0.0
        self.longest_stage = ""
        self.over_50_ms = []
        self.stage = ""
        self._last = self._busy = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self):
        """Start ticking."""
        self._last, self._busy = time.perf_counter(), time.thread_time()
        self._timer.start(TICK_MS)

    def stop(self):
        """Stop ticking."""
        self._timer.stop()

    @contextlib.contextmanager
    def paused(self):
        """Look away while the demo itself keeps QGIS busy, for a screenshot."""
        self.stop()
        yield
        self.start()

    def _tick(self):
        now, busy = time.perf_counter(), time.thread_time()
        gap_ms, busy_ms = round((now - self._last) * 1000 - TICK_MS, 1), round((busy - self._busy) * 1000, 1)
        self._last, self._busy = now, busy
        if gap_ms > 50:
            self.over_50_ms.append([self.stage, gap_ms, busy_ms])
        if gap_ms > self.longest_ms:
            self.longest_ms, self.longest_stage = gap_ms, self.stage
