"""QAction, which stands in QtWidgets in Qt 5 and in QtGui in Qt 6."""

from __future__ import annotations

try:
    from qgis.PyQt.QtGui import QAction
except ImportError:
    from qgis.PyQt.QtWidgets import QAction

__all__ = ["QAction"]
