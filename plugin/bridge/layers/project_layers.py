"""What the project shows of a run, and how it is taken out before the run is deleted. Main thread only."""

from __future__ import annotations

import sys
from pathlib import Path

from qgis.core import QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import QFile, QStandardPaths

from ...core.errors import InputError
from ...core.folder import RunFolder
from .results import find_groups, find_layers, locate_file

#: Where SQLite keeps what was changed and is not in the file yet.
_UNWRITTEN = "-wal"


def refuse_edited(folder: RunFolder, project: QgsProject) -> None:
    """Raise InputError where a layer of the run is being edited, here or by another program."""
    layers = find_layers(folder, project)
    for layer in layers:
        if isinstance(layer, QgsVectorLayer) and layer.isEditable():
            raise InputError(
                f'The layer "{layer.name()}" of the run is being edited.', "Save or discard its edits first."
            )
    shown = {locate_file(layer) for layer in layers}
    for path in folder.path.resolve().glob(f"*{_UNWRITTEN}"):
        if path.with_name(path.name[: -len(_UNWRITTEN)]) not in shown:
            raise InputError(
                f"{path.name[: -len(_UNWRITTEN)]} is being edited by another program.", "Save the edits there first."
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
