"""What the user is told outside the dock: QGIS's message bar and message log."""

from __future__ import annotations

from qgis.core import Qgis, QgsMessageLog
from qgis.gui import QgsMessageBar

from ...core.events import ADVICE, Finding, Notice

TAG = "Footprint Tuner"

INFO = Qgis.MessageLevel.Info
WARNING = Qgis.MessageLevel.Warning
CRITICAL = Qgis.MessageLevel.Critical
SUCCESS = Qgis.MessageLevel.Success


def join(message: str, hint: str) -> str:
    """Return what happened and what to do next as one line."""
    return f"{message} {hint}".strip()


def log(text: str, level: Qgis.MessageLevel = INFO) -> None:
    """Write to QGIS's message log without ringing its bell; may be called from any thread."""
    QgsMessageLog.logMessage(text, TAG, level, notifyUser=False)


def log_notice(notice: Notice) -> None:
    """Write a worker's notice to QGIS's message log."""
    log(join(notice.message, notice.hint), WARNING if notice.level == "warning" else INFO)


def log_finding(finding: Finding) -> None:
    """Write what a check found to QGIS's message log."""
    log(join(finding.message, finding.hint), INFO if finding.level == ADVICE else WARNING)


def tell(bar: QgsMessageBar, level: Qgis.MessageLevel, message: str, hint: str = "") -> None:
    """Show a message in QGIS's message bar, where an error stays until it is closed, and write it to the log."""
    text = join(message, hint)
    log(text, level)
    bar.pushMessage(TAG, text, level, 0 if level == CRITICAL else 10)
