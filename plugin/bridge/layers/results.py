"""A finished run's layers, styled, in a group of the run on top of the project's layer tree. Main thread only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

from qgis.core import QgsLayerTreeGroup, QgsMapLayer, QgsProject, QgsProviderRegistry, QgsVectorLayer
from qgis.PyQt.QtCore import QCoreApplication

from ...core.building_outcomes import TUNED
from ...core.folder import RunFolder
from ...core.paths import RESOURCES
from ...core.source_names import split_layer
from .own_layers import ERRORS, FOOTPRINTS, SPLIT, mark

STYLES = RESOURCES / "styles"
_RUN_PROPERTY = "footprint_tuner/run"
_KINDS = {"errors": ERRORS, "footprints": FOOTPRINTS, "base_footprints": FOOTPRINTS, "blocks": SPLIT}


@dataclass(frozen=True)
class _Result:
    source: str
    title: str
    style: str
    is_visible: bool


def load_results(folder: RunFolder, project: QgsProject) -> Iterator[QgsVectorLayer]:
    """Show the layers of a run one by one, topmost first, so that Qt can breathe in between.

    Those that are shown already are only read anew.
    """
    group = find_group(folder, project)
    for result in _list_results(folder):
        yield _show(result, group, project)
    group.setExpanded(False)  # a group shown before it had layers stays shut in the tree, though it says otherwise
    group.setExpanded(True)


def locate_file(layer: QgsMapLayer) -> Path | None:
    """Return the path of a layer's file, links followed, or that inside an archive as GDAL names it; else None."""
    source = layer.source()
    if source.startswith("/vsi"):
        return Path(split_layer(source)[0])
    path = QgsProviderRegistry.instance().decodeUri(layer.providerType(), source).get("path")
    return Path(path).resolve() if path else None


def find_layers(folder: RunFolder, project: QgsProject) -> list[QgsMapLayer]:
    """Return the project's layers whose files lie in the run's folder, wherever they are in the layer tree."""
    return [layer for layer in project.mapLayers().values() if _lies_in(folder, layer)]


def find_rescored(folder: RunFolder, project: QgsProject) -> list[QgsVectorLayer]:
    """Return the project's layers of those files of a run that are new when it was traced anew."""
    files = {path.resolve() for path in (folder.footprints, folder.errors)}
    layers = project.mapLayers().values()
    return [layer for layer in layers if isinstance(layer, QgsVectorLayer) and locate_file(layer) in files]


def find_groups(folder: RunFolder, project: QgsProject) -> list[QgsLayerTreeGroup]:
    """Return the groups of a run in the layer tree, wherever the user moved them, or the project with its runs."""
    groups = [group for group in project.layerTreeRoot().findGroups(True) if group.customProperty(_RUN_PROPERTY)]
    real = folder.path.resolve()
    named = [group for group in groups if Path(group.customProperty(_RUN_PROPERTY)).resolve() == real]
    return named or [group for group in groups if any(_lies_in(folder, node.layer()) for node in group.findLayers())]


def find_group(folder: RunFolder, project: QgsProject) -> QgsLayerTreeGroup:
    """Return the group of a run, a new one on top of the tree where there is none."""
    for group in find_groups(folder, project):
        group.setCustomProperty(_RUN_PROPERTY, folder.path.as_posix())
        return group
    group = project.layerTreeRoot().insertGroup(0, folder.path.name)
    group.setCustomProperty(_RUN_PROPERTY, folder.path.as_posix())
    return group


def apply_style(layer: QgsMapLayer, style: str) -> None:
    """Style a layer as the plugin's style file of that name says, where there is one."""
    path = STYLES / f"{style}.qml"
    if path.exists():
        layer.loadNamedStyle(str(path))


def locate_errors(folder: RunFolder) -> str:
    """Return the source of the layer of how each building of held-out ground fared with the tuned model."""
    return f"{folder.errors.as_posix()}|layername={TUNED}"


def _list_results(folder: RunFolder) -> list[_Result]:
    tr = QCoreApplication.translate
    before = tr("Results", "Base model's footprints")
    if folder.earlier.exists():
        before = tr("Results", "Earlier model's footprints")
    results = [
        (folder.errors, f"|layername={TUNED}", tr("Results", "Errors in the held-out area"), "errors", False),
        (folder.footprints, "", tr("Results", "Footprints"), "footprints", True),
        (folder.base_footprints, "", before, "base_footprints", False),
        (folder.split, "|layername=blocks", tr("Results", "Held-out area and blocks"), "blocks", True),
    ]
    return [
        _Result(f"{path.as_posix()}{part}", title, style, is_visible)
        for path, part, title, style, is_visible in results
        if path.exists()
    ]


def _show(result: _Result, group: QgsLayerTreeGroup, project: QgsProject) -> QgsVectorLayer:
    for node in project.layerTreeRoot().findLayers():
        shown = node.layer()
        if isinstance(shown, QgsVectorLayer) and shown.isValid() and shown.source() == result.source:
            shown.dataProvider().reloadData()
            shown.triggerRepaint()
            mark(shown, _KINDS[result.style])
            return shown
    layer = QgsVectorLayer(result.source, result.title, "ogr")
    apply_style(layer, result.style)
    mark(layer, _KINDS[result.style])
    project.addMapLayer(layer, False)
    node = group.addLayer(layer)
    node.setItemVisibilityChecked(result.is_visible)
    node.setExpanded(result.is_visible)
    return layer


def _lies_in(folder: RunFolder, layer: QgsMapLayer | None) -> bool:
    path = locate_file(layer) if layer is not None else None
    return path is not None and folder.path.resolve() in path.parents
