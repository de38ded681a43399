"""Qt's own work, done in rounds instead of in some milliseconds: a busy machine takes as long as it takes."""

from __future__ import annotations

import time

from qgis.PyQt.QtCore import QCoreApplication, QEvent


def settle_events(rounds=10):
    """Let Qt lay out, paint, commit and delete what waits for that, and let timers of up to 20 ms run out."""
    for _ in range(rounds):
        time.sleep(0.003)
        QCoreApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
