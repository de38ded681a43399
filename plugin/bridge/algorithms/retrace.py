"""A run's footprints traced anew with another threshold, as an algorithm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputHtml,
    QgsProcessingOutputNumber,
    QgsProcessingOutputVectorLayer,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
    QgsProject,
)

from ...core.errors import TunerError
from ...core.folder import RunFolder
from ...core.run_record import require_reviewable
from ..review.threshold.retrace import STAGES, refuse_edits
from .feedback import FeedbackAdapter
from .job_algorithm import make_min_area_parameter
from .worker_algorithm import WorkerAlgorithm, follow_worker, refuse


class RetraceAlgorithm(WorkerAlgorithm):
    """Apply another threshold to a run, as the dock's *Apply* does."""

    _folder: RunFolder

    def name(self) -> str:
        """Return the part after the colon in the id."""
        return "retrace"

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return self.tr("Set the threshold of a run")

    def tags(self) -> list[str]:
        """Return what else people search for."""
        return self.tr("building,footprint,confidence,probability,cut-off,minimum area,review").split(",")

    def shortHelpString(self) -> str:
        """Return the help beside the dialog."""
        return self.tr(
            "Traces the footprints of a finished fine-tuning anew from its stored probability, with another threshold"
            " or another minimum area, and scores them on the same held-out ground. The run's files are replaced all"
            " together; footprints that were edited are kept beside them.\n\n"
            "The score had been seen when the threshold was chosen: the report, its page and the model's card say that"
            " it was set by hand. Leave both empty to go back to what the run chose itself on validation ground."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        folder, broken = QgsProcessingParameterFile.Folder, QgsProcessingParameterNumber.Double
        self.addParameter(QgsProcessingParameterFile("RUN_FOLDER", self.tr("Folder of the run"), folder))
        threshold = self.tr("Confidence from (0 to 1)")
        self.addParameter(QgsProcessingParameterNumber("THRESHOLD", threshold, broken, None, True, 0, 1))
        self.addParameter(make_min_area_parameter(self.tr("Minimum area (m²)"), None, is_optional=True))
        polygon = QgsProcessing.TypeVectorPolygon
        self.addOutput(QgsProcessingOutputVectorLayer("FOOTPRINTS", self.tr("Footprints"), polygon))
        self.addOutput(QgsProcessingOutputNumber("F1_BEFORE", self.tr("F1 by building, base model")))
        self.addOutput(QgsProcessingOutputNumber("F1_AFTER", self.tr("F1 by building, tuned model")))
        self.addOutput(QgsProcessingOutputHtml("REPORT", self.tr("Report")))

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Look at the run, and whether its layers are being edited; called by QGIS on the main thread."""
        super().prepareAlgorithm(parameters, context, feedback)
        path = Path(self.parameterAsString(parameters, "RUN_FOLDER", context)).absolute()
        try:
            self._folder = require_reviewable(path).folder
            refuse_edits(self._folder, context.project() or QgsProject.instance())
        except TunerError as error:
            refuse(error)
        return True

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Trace and score; called by QGIS, usually in a thread. A cancel leaves the run as it was."""
        folder, options = self._folder, []
        for name, option in (("THRESHOLD", "--threshold"), ("MIN_AREA", "--min-area-m2")):
            if parameters.get(name) is not None:
                options += [option, repr(self.parameterAsDouble(parameters, name, context))]
        arguments = ["retrace", str(folder.path), *(options or ["--chosen"])]
        finished = follow_worker(arguments, folder.log, FeedbackAdapter(feedback, STAGES), self.client)
        if feedback.isCanceled():
            return {}
        return {
            "FOOTPRINTS": str(folder.footprints),
            "F1_BEFORE": finished.before.building.f1,
            "F1_AFTER": finished.after.building.f1,
            "REPORT": str(folder.page),
        }
