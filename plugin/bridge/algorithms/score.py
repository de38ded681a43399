"""The score of footprints against labels, as an algorithm."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterNumber,
)

from ...core.child_process import SetupCancelled
from ...core.errors import CopyCancelled, TunerError
from ..layers.layer_checks import Polygons, take_source
from ..layers.polygon_copy import copy_polygons
from .job_algorithm import make_min_area_parameter
from .outputs import send_layer
from .worker_algorithm import WorkerAlgorithm, refuse

_NUMBERS = ("TP", "FP", "FN", "PRECISION", "RECALL", "F1")
ERRORS = "ERRORS"
_DOUBLE = QgsProcessingParameterNumber.Double


class ScoreAlgorithm(WorkerAlgorithm):
    """Score footprints against labels by building, by the SpaceNet rule."""

    _truth: Polygons
    _footprints: Polygons
    _options: tuple[str, ...] = ()

    def name(self) -> str:
        """Return the part after the colon in the id."""
        return "score"

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return self.tr("Score footprints")

    def tags(self) -> list[str]:
        """Return what else people search for."""
        return self.tr("building,footprint,accuracy,evaluate,F1,precision,recall,IoU,SpaceNet").split(",")

    def shortHelpString(self) -> str:
        """Return the help beside the dialog."""
        return self.tr(
            "Counts, building by building, how well footprints agree with labels (the SpaceNet rule): footprints are"
            " taken in the order of falling confidence, and one is right (TP) where its intersection over union with a"
            " label that is still free is greater than the threshold. The other footprints are FP, the labels left over"
            " FN; F1 = 2 TP / (2 TP + FP + FN).\n\n"
            "With a group field the score is taken group by group, for example image by image, and the counts are added"
            " up. Buildings smaller than the minimum area are passed over; in layers without a coordinate system it is"
            " in their own square units.\n\n"
            "The layer of errors holds every building as TP, FP or FN, with its IoU and area: what was found, what"
            " matches no label, and what was missed."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        polygon = [QgsProcessing.TypeVectorPolygon]
        field = QgsProcessingParameterField
        self.addParameter(QgsProcessingParameterFeatureSource("TRUTH", self.tr("Labels"), polygon))
        self.addParameter(QgsProcessingParameterFeatureSource("FOOTPRINTS", self.tr("Footprints"), polygon))
        threshold = self.tr("Threshold of intersection over union")
        self.addParameter(QgsProcessingParameterNumber("IOU", threshold, _DOUBLE, 0.5, False, 0, 1))
        self.addParameter(make_min_area_parameter(self.tr("Minimum area (m²)"), 0.0))
        for name, text in (
            ("CONFIDENCE", self.tr("Field with the confidence")),
            ("BY", self.tr("Field with the group (in both layers)")),
        ):
            self.addParameter(field(name, text, None, "FOOTPRINTS", field.Any, False, True))
        kind = QgsProcessing.TypeVectorPolygon
        self.addParameter(
            QgsProcessingParameterFeatureSink(ERRORS, self.tr("Errors: every building"), kind, None, True, False)
        )
        for name in _NUMBERS:
            self.addOutput(QgsProcessingOutputNumber(name, name))

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Look at the layers; called by QGIS on the main thread."""
        super().prepareAlgorithm(parameters, context, feedback)
        confidence = self.parameterAsString(parameters, "CONFIDENCE", context)
        by = self.parameterAsString(parameters, "BY", context)
        iou = self.parameterAsDouble(parameters, "IOU", context)
        min_area_m2 = self.parameterAsDouble(parameters, "MIN_AREA", context)
        self._options = ("--iou", str(iou), "--min-area-m2", str(min_area_m2))
        self._options += ("--confidence", confidence) if confidence else ()
        self._options += ("--by", by) if by else ()
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
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Score; called by QGIS, usually in a thread."""
        layer: dict[str, str] = {}
        is_wanted = parameters.get(ERRORS) is not None
        with tempfile.TemporaryDirectory(prefix="footprint_tuner_") as folder:
            truth, footprints = Path(folder) / "labels.gpkg", Path(folder) / "footprints.gpkg"
            try:
                copy_polygons(self._truth, truth, feedback.isCanceled, may_be_empty=True)
                copy_polygons(self._footprints, footprints, feedback.isCanceled, may_be_empty=True)
                files: tuple[str, ...] = ("--truth", str(truth), "--footprints", str(footprints))
                errors = Path(folder) / "errors.gpkg"
                files += ("--errors", str(errors)) if is_wanted else ()
                answer = self.client.ask(["score", *files, *self._options, "--json"], feedback.isCanceled)
                if is_wanted:
                    layer = send_layer(self, ERRORS, "errors", str(errors), parameters, context, feedback)
            except (CopyCancelled, SetupCancelled):
                return {}
            except TunerError as error:
                refuse(error)
        results = {name: answer[name.lower()] for name in _NUMBERS if name.lower() in answer}
        feedback.pushInfo(", ".join(f"{name} {value}" for name, value in results.items()))
        return {**results, **layer}
