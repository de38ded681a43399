"""Keys among QGIS's own shortcuts, which the user may change. Main thread only."""

from __future__ import annotations

from typing import Iterable

from qgis.gui import QgsGui

from ....ui.fields.actions import QAction


def register(action: QAction, key: str) -> None:
    """Put an action on QGIS's list of shortcuts, with ``key`` until the user chooses another."""
    QgsGui.shortcutsManager().registerAction(action, key)


def forget(actions: Iterable[QAction]) -> None:
    """Take actions off the list while they are there, a second time, too: it keeps pointers to those that are gone."""
    for action in actions:
        QgsGui.shortcutsManager().unregisterAction(action)
