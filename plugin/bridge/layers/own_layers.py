"""What the plugin made itself: it is known by a mark that the project keeps, or by its file in a run's folder."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsMapLayer, QgsProviderRegistry

from ...core.errors import InputError
from ...core.folder import RunFolder
from ...core.run_list import RUNS, is_run

_MARK = "footprint_tuner/made"
#: Areas that were drawn with the plugin are the user's own, but they are no buildings.
AREAS = "areas"
FOOTPRINTS, ERRORS, SPLIT, CORRECTIONS, FINDINGS = "footprints", "errors", "split", "corrections", "findings"
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

    A style that is copied from it takes the mark along: so it names the layer, and the source that a double shares.
    """
    text = f"{kind} {layer.id()} {layer.source()}"
    if layer.customProperty(_MARK) != text:
        layer.setCustomProperty(_MARK, text)


def find_kind(layer: QgsMapLayer) -> str:
    """Return what of the plugin's own a layer shows, "" for a layer of the user's."""
    return read_mark(layer) or _find_kind_of_file(layer)


def read_mark(layer: QgsMapLayer) -> str:
    """Return what a layer is marked as, "" for one that was not made here, whatever its file is."""
    kind, _, named = str(layer.customProperty(_MARK, "")).partition(" ")
    identity, _, source = named.partition(" ")
    if kind and (identity == layer.id() or source == layer.source()):
        return kind
    earlier = (each for key, each in _EARLIER.items() if layer.customProperty(key))
    return next(earlier, "")


def refuse_own(layer: QgsMapLayer, name: str, *allowed: str) -> None:
    """Raise InputError for a layer that the plugin made, but for the ``allowed`` kinds; ``name`` is the layer's."""
    kind = find_kind(layer)
    if kind and kind not in allowed:
        raise InputError(
            f"{name} was made by Footprint Tuner: it holds {_NAMES.get(kind, kind)}.",
            "Choose a layer of your own. Corrected footprints are learned from with Review > Correct and improve.",
        )


def _find_kind_of_file(layer: QgsMapLayer) -> str:
    """Return what a layer's file is where it lies in a run's folder, or among the runs where footprints go, too."""
    source = layer.source()
    path = QgsProviderRegistry.instance().decodeUri(layer.providerType(), source).get("path") or ""
    name = Path(path).name
    if name in _KINDS and is_run(Path(path).parent):
        return _KINDS[name]
    is_predicted = name.endswith("_footprints.gpkg") and Path(path).parent.name == RUNS
    return FOOTPRINTS if is_predicted else ""
