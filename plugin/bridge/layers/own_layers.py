"""What the plugin made itself: it is known by a mark that the project keeps, or by its file in a run's folder."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsMapLayer, QgsProviderRegistry, QgsVectorLayer, QgsWkbTypes

from ...core import made_layers
from ...core.errors import InputError
from ...core.folder import RunFolder
from ...core.run_list import RUNS, is_run
from .made_by import read_made

_MARK = "footprint_tuner/made"
_TEMPORARY = "temporary:"
#: Areas that were drawn with the plugin are the user's own, but they are no buildings.
AREAS = "areas"
FOOTPRINTS, ERRORS, SPLIT = made_layers.FOOTPRINTS, made_layers.ERRORS, made_layers.SPLIT
CORRECTIONS, FINDINGS = "corrections", "findings"
PROBABILITY = "probability"
_RUN = RunFolder(Path())
_FILES = {
    _RUN.footprints: FOOTPRINTS,
    _RUN.base_footprints: FOOTPRINTS,
    _RUN.errors: ERRORS,
    _RUN.split: SPLIT,
    _RUN.earlier: SPLIT,
    _RUN.corrections: CORRECTIONS,
    _RUN.areas: AREAS,
    _RUN.probability: PROBABILITY,
    _RUN.base_probability: PROBABILITY,
}
_KINDS = {path.name: kind for path, kind in _FILES.items()}
#: Marks of earlier versions.
_EARLIER = {"footprint_tuner/areas": AREAS, "footprint_tuner/split": SPLIT}
_NAMES = {
    AREAS: "areas that were drawn",
    FOOTPRINTS: "the footprints of a model",
    ERRORS: "the errors of a run",
    SPLIT: "the split of a run",
    CORRECTIONS: "the corrections of a run",
    FINDINGS: "the findings of a check",
}


def mark(layer: QgsMapLayer, kind: str) -> None:
    """Mark a layer as the plugin's own.

    A style that is copied from it takes the mark along: so it names the layer, and what a double shares with it.
    """
    text = f"{kind} {layer.id()} {_name_fields(layer) if _is_temporary(layer) else layer.source()}"
    if layer.customProperty(_MARK) != text:
        layer.setCustomProperty(_MARK, text)


def take_double_in(layer: QgsMapLayer) -> None:
    """Give a double of a marked layer a mark of its own, which outlives a move of the project with its files."""
    kind, identity, shared = _split_mark(layer)
    if kind and identity != layer.id() and _is_shared(shared, layer):
        mark(layer, kind)


def find_kind(layer: QgsMapLayer) -> str:
    """Return what of the plugin's own a layer shows, "" for a layer of the user's."""
    return read_mark(layer) or _find_kind_of_file(layer)


def read_mark(layer: QgsMapLayer) -> str:
    """Return what a layer is marked as, "" for one that was not made here, whatever its file is."""
    kind, identity, shared = _split_mark(layer)
    if kind and (identity == layer.id() or _is_shared(shared, layer)):
        return kind
    earlier = (each for key, each in _EARLIER.items() if layer.customProperty(key))
    return next(earlier, "")


def _split_mark(layer: QgsMapLayer) -> tuple[str, str, str]:
    """Return the kind that a mark says, the layer that it names, and what doubles of that one share."""
    kind, _, named = str(layer.customProperty(_MARK, "")).partition(" ")
    identity, _, shared = named.partition(" ")
    return kind, identity, shared


def _is_shared(shared: str, layer: QgsMapLayer) -> bool:
    """Tell whether a layer is a double: of its source, whatever its filter; a temporary one has the marked fields."""
    if _is_temporary(layer):
        names = shared[len(_TEMPORARY) :].split(",")
        return shared.startswith(_TEMPORARY) and set(names) <= set(layer.fields().names())
    (path, name), (own_path, own_name) = (_locate(source, layer) for source in (shared, layer.source()))
    return bool(path) and path == own_path and (name == own_name or not (name and own_name))


def _is_temporary(layer: QgsMapLayer) -> bool:
    return bool(layer.providerType() == "memory")


def _name_fields(layer: QgsVectorLayer) -> str:
    """Return what tells a temporary layer, whose double has another source, from one with a style that was copied."""
    return _TEMPORARY + ",".join(layer.fields().names())


def _locate(source: str, layer: QgsMapLayer) -> tuple[str, str]:
    """Return the file of a source and the name of its layer, "" for none."""
    parts = QgsProviderRegistry.instance().decodeUri(layer.providerType(), source)
    return parts.get("path") or "", parts.get("layerName") or ""


def refuse_own(layer: QgsMapLayer, name: str, *allowed: str) -> None:
    """Raise InputError for a layer that the plugin made, but for the ``allowed`` kinds; ``name`` is the layer's."""
    kind = find_kind(layer)
    if kind and kind not in allowed:
        raise InputError(
            f"{name} was made by Footprint Tuner: it holds {_NAMES.get(kind, kind)}.",
            "Choose a layer of your own. Corrected footprints are learned from with Review > Correct and improve; "
            "what you corrected by hand is your own once you export it (right-click the layer > Export).",
        )


def _find_kind_of_file(layer: QgsMapLayer) -> str:
    """Return what a layer's file is where it lies in a run's folder, or among the runs where footprints go, too."""
    path, _ = _locate(layer.source(), layer)
    name = Path(path).name
    if name in _KINDS and is_run(Path(path).parent):
        return _KINDS[name]
    is_predicted = name.endswith("_footprints.gpkg") and Path(path).parent.name == RUNS
    return FOOTPRINTS if is_predicted else _find_kind_in_file(layer)


def _find_kind_in_file(layer: QgsMapLayer) -> str:
    """Return what a layer of a GeoPackage says of itself, wherever the file went."""
    path, name = _locate(layer.source(), layer)
    is_polygons = isinstance(layer, QgsVectorLayer) and layer.geometryType() == QgsWkbTypes.PolygonGeometry
    if not is_polygons or not path.lower().endswith(".gpkg"):
        return ""
    try:
        kinds = read_made(path, Path(path).stat().st_mtime_ns)
    except OSError:
        return ""
    return kinds.get(name.lower() or next(iter(kinds), ""), "")
