"""Layers on their way into whatever output the user of an algorithm chose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsFeatureSink,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsProcessingParameterFeatureSink,
    QgsVectorLayer,
)

from ..layers.own_layers import ERRORS, FINDINGS, SPLIT, mark
from ..layers.own_layers import FOOTPRINTS as FOOTPRINT_KIND
from ..layers.results import apply_style
from .parameters import Values

FOOTPRINTS = "FOOTPRINTS"


class _Styler(QgsProcessingLayerPostProcessorInterface):
    """Styles a layer once it is in the project, and marks it as the plugin's own."""

    def __init__(self, style: str, kind: str) -> None:
        """Remember the style's name."""
        super().__init__()
        self._style, self._kind = style, kind

    def postProcessLayer(self, layer: Any, context: Any, feedback: Any) -> None:  # noqa: ARG002 - QGIS's signature
        """Style and mark the layer; called by QGIS on the main thread."""
        apply_style(layer, self._style)
        mark(layer, self._kind)


_KINDS = {"errors": ERRORS, "footprints": FOOTPRINT_KIND, "split": SPLIT, "findings": FINDINGS}
_STYLERS = {style: _Styler(style, kind) for style, kind in _KINDS.items()}  # QGIS keeps no reference of its own


def make_footprints_parameter(text: str, is_optional: bool) -> QgsProcessingParameterFeatureSink:
    """Return the parameter FOOTPRINTS: any vector destination that Processing knows."""
    kind = QgsProcessing.TypeVectorPolygon
    return QgsProcessingParameterFeatureSink(FOOTPRINTS, text, kind, None, is_optional)


def send_footprints(
    algorithm: QgsProcessingAlgorithm,
    path: Path,
    parameters: Values,
    context: QgsProcessingContext,
    feedback: QgsProcessingFeedback,
) -> dict[str, str]:
    """Copy the footprints in ``path`` to the output FOOTPRINTS; returns its part of the results ({}: not wanted).

    Raises QgsProcessingException where the output cannot be written.
    """
    return send_layer(algorithm, FOOTPRINTS, "footprints", str(path), parameters, context, feedback)


def send_layer(
    algorithm: QgsProcessingAlgorithm,
    output: str,
    style: str,
    source: str,
    parameters: Values,
    context: QgsProcessingContext,
    feedback: QgsProcessingFeedback,
) -> dict[str, str]:
    """Copy a file's layer to an output, styled; returns its part of the results ({}: not wanted).

    Raises QgsProcessingException where the output cannot be written.
    """
    layer = QgsVectorLayer(source, output, "ogr")
    fields = layer.fields()
    skipped = fields.lookupField("fid")
    if skipped >= 0:
        fields.remove(skipped)  # the output counts for itself
    sink, destination = algorithm.parameterAsSink(
        parameters, output, context, fields, layer.wkbType(), layer.sourceCrs()
    )
    if sink is None:
        return {}
    for feature in layer.getFeatures():
        if feedback.isCanceled():
            break
        values = feature.attributes()
        feature.setAttributes(values if skipped < 0 else values[:skipped] + values[skipped + 1 :])
        if not sink.addFeature(feature, QgsFeatureSink.Flag.FastInsert):
            raise QgsProcessingException(f"The output {output} could not be written: {sink.lastError()}")
    sink.flushBuffer()
    style_output(destination, style, context)
    return {output: destination}


def style_output(destination: str, style: str, context: QgsProcessingContext) -> None:
    """Let an output be styled and marked where it is going to be loaded."""
    if context.willLoadLayerOnCompletion(destination):
        context.layerToLoadOnCompletionDetails(destination).setPostProcessor(_STYLERS[style])
