"""What the project shows of a run, and how it is taken out before the run is deleted. Main thread only."""

from __future__ import annotations

import sys
from pathlib import Path

from qgis.core import QgsMapLayer, QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import QFile, QStandardPaths

from ..core.errors import InputError
from ..core.folder import RunFolder
from .results import find_groups


def find_layers(folder: RunFolder, project: QgsProject) -> list[QgsMapLayer]:
    """Return the project's layers whose files lie in the run's folder."""
    return [layer for layer in project.mapLayers().values() if folder.path in locate_file(layer).parents]


def locate_file(layer: QgsMapLayer) -> Path:
    """Return the path of a layer's file; for a layer without one, something that is no path."""
    return Path(str(layer.source()).partition("|")[0])


def refuse_edited(folder: RunFolder, project: QgsProject) -> None:
    """Raise InputError where a layer of the run is being edited."""
    for layer in find_layers(folder, project):
        if isinstance(layer, QgsVectorLayer) and layer.isEditable():
            raise InputError(
                f'The layer "{layer.name()}" of the run is being edited.', "Save or discard its edits first."
            )


def remove_layers(folder: RunFolder, project: QgsProject) -> None:
    """Take the run's layers, and its group where nothing else is in it, out of the project."""
    project.removeMapLayers([layer.id() for layer in find_layers(folder, project)])
    for group in find_groups(folder, project):
        if not group.findLayers():
            group.parent().removeChildNode(group)


def move_to_trash(path: Path) -> bool:
    """Move a folder to the system's trash, and return whether that went well; any thread."""
    if not hasattr(QFile, "moveToTrash"):  # before Qt 5.15
        return False
    if sys.platform.startswith("linux"):  # where Qt cannot make the trash it takes the current folder for it
        try:
            home = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericDataLocation)
            Path(home, "Trash").mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            return False
    moved = QFile.moveToTrash(str(path))
    return bool(moved[0] if isinstance(moved, tuple) else moved)
