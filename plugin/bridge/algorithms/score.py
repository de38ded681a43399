"""The score of footprints against labels, as an algorithm."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
)

from ...core.child_process import SetupCancelled
from ...core.command_options import ScoreOptions
from ...core.errors import CopyCancelled, TunerError
from ...core.option import list_arguments, list_options
from ..layers.layer_checks import Polygons, take_source
from ..layers.polygon_copy import copy_polygons
from .outputs import send_layer
from .parameters import Values
from .worker_algorithm import WorkerAlgorithm, refuse

_NUMBERS = ("TP", "FP", "FN", "PRECISION", "RECALL", "F1")
ERRORS = "ERRORS"


class ScoreAlgorithm(WorkerAlgorithm):
    """Score footprints against labels by building, by the SpaceNet rule."""

    ID = "score"

    _truth: Polygons
    _footprints: Polygons
    _options: ScoreOptions

    def initAlgorithm(self, configuration: Values | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        self.add_options(list_options(ScoreOptions))
        kind = QgsProcessing.TypeVectorPolygon
        self.addParameter(
            QgsProcessingParameterFeatureSink(ERRORS, self.tr("Errors: every building"), kind, None, True, False)
        )
        for name in _NUMBERS:
            self.addOutput(QgsProcessingOutputNumber(name, name))

    def prepareAlgorithm(
        self, parameters: Values, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Look at the layers; called by QGIS on the main thread."""
        super().prepareAlgorithm(parameters, context, feedback)
        given = self.read_options(list_options(ScoreOptions), parameters, context)
        self._options = ScoreOptions("", "", **given, json=True)
        confidence, by = self._options.confidence, self._options.by
        try:
            truth = self.parameterAsSource(parameters, "TRUTH", context)
            self._truth = take_source(truth, self.tr("The label layer"), [by] if by else [])
            footprints = self.parameterAsSource(parameters, "FOOTPRINTS", context)
            kept = list(dict.fromkeys(name for name in (confidence, by) if name))
            self._footprints = take_source(footprints, self.tr("The footprint layer"), kept)
        except TunerError as error:
            refuse(error)
        return True

    def processAlgorithm(
        self, parameters: Values, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Values:
        """Score; called by QGIS, usually in a thread."""
        layer: dict[str, str] = {}
        is_wanted = parameters.get(ERRORS) is not None
        with tempfile.TemporaryDirectory(prefix="footprint_tuner_") as folder:
            truth, footprints = Path(folder) / "labels.gpkg", Path(folder) / "footprints.gpkg"
            try:
                copy_polygons(self._truth, truth, feedback.isCanceled, may_be_empty=True)
                copy_polygons(self._footprints, footprints, feedback.isCanceled, may_be_empty=True)
                errors = Path(folder) / "errors.gpkg"
                options = replace(
                    self._options,
                    truth=str(truth),
                    footprints=str(footprints),
                    errors=errors if is_wanted else None,
                )
                answer = self.client.ask(["score", *list_arguments(options)], feedback.isCanceled)
                if is_wanted:
                    layer = send_layer(self, ERRORS, "errors", str(errors), parameters, context, feedback)
            except (CopyCancelled, SetupCancelled):
                return {}
            except TunerError as error:
                refuse(error)
        for sentence in answer.get("notices", ()):
            feedback.pushWarning(sentence)
        results = {name: answer[name.lower()] for name in _NUMBERS if name.lower() in answer}
        feedback.pushInfo(", ".join(f"{name} {value}" for name, value in results.items()))
        return {**results, **layer}
