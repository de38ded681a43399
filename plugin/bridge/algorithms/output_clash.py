"""Outputs of an algorithm that are files of its inputs: QGIS would write over them without a word."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Iterator

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingUtils,
    QgsProperty,
)

from ...core.source_names import find_same, list_files, split_layer
from .parameters import Values

_TABLE = re.compile(r"ogr:dbname='(?P<file>.*?)' table=\"(?P<table>.*?)\"", re.DOTALL)


def find_clash(algorithm: QgsProcessingAlgorithm, parameters: Values, context: QgsProcessingContext) -> str:
    """Return a sentence where an output is a file that an input is read from, "" where none is.

    A new table in an input's database leaves the others alone.
    """
    outputs = {each.name(): _read_text(parameters.get(each.name())) for each in _list_outputs(algorithm)}
    sources = list(_list_sources(algorithm, parameters, context))
    files = [file for source in sources for file in list_files(source)]
    for name, text in outputs.items():
        found = _TABLE.match(text)
        if found is not None and not any(split_layer(source)[1] in ("", found["table"]) for source in sources):
            continue
        path = found["file"] if found is not None else text
        same = find_same([Path(path)], files) if path and not path.startswith(("memory:", "TEMPORARY_OUTPUT")) else None
        if same is not None:
            return f"{name} would be written over the input {same[1]}. Give the output a name of its own."
    return ""


def _list_outputs(algorithm: QgsProcessingAlgorithm) -> list[Any]:
    return [each for each in algorithm.destinationParameterDefinitions() if each.type() != "folderDestination"]


def _list_sources(
    algorithm: QgsProcessingAlgorithm, parameters: Values, context: QgsProcessingContext
) -> Iterator[str]:
    """Yield what the inputs are read from: files, and the sources of layers."""
    for each in algorithm.parameterDefinitions():
        if each.isDestination() or each.type() not in ("source", "raster", "file"):
            continue
        value = parameters.get(each.name())
        layer = value if hasattr(value, "source") and hasattr(value, "providerType") else None
        text = _read_text(value)
        if layer is None and text and each.type() != "file":
            layer = QgsProcessingUtils.mapLayerFromString(text, context)
        if layer is not None and layer.providerType() in ("ogr", "gdal"):
            yield str(layer.source())
        elif text and each.type() == "file":
            yield text


def _read_text(value: Any) -> str:
    """Return the text that a parameter is given as; "" for what is worked out later."""
    if isinstance(value, QgsProcessingOutputLayerDefinition):
        value = value.sink
    elif isinstance(value, QgsProcessingFeatureSourceDefinition):
        value = value.source
    if isinstance(value, QgsProperty):
        value = value.staticValue()
    return value if isinstance(value, str) else ""
