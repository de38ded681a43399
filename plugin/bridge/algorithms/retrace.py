"""A run's footprints traced anew with another threshold, as an algorithm."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputHtml,
    QgsProcessingOutputNumber,
    QgsProcessingOutputVectorLayer,
    QgsProject,
)

from ...core.command_options import RetraceOptions
from ...core.errors import TunerError
from ...core.folder import RunFolder
from ...core.option import list_arguments, list_options
from ...core.run_record import require_reviewable
from ..review.threshold.retrace import STAGES, refuse_edits
from .feedback import FeedbackAdapter
from .parameters import Values
from .worker_algorithm import WorkerAlgorithm, follow_worker, refuse


class RetraceAlgorithm(WorkerAlgorithm):
    """Apply another threshold to a run, as the dock's *Apply* does."""

    ID = "retrace"

    _options: RetraceOptions

    def initAlgorithm(self, configuration: Values | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        self.add_options(list_options(RetraceOptions))
        polygon = QgsProcessing.TypeVectorPolygon
        self.addOutput(QgsProcessingOutputVectorLayer("FOOTPRINTS", self.tr("Footprints"), polygon))
        self.addOutput(QgsProcessingOutputNumber("F1_BEFORE", self.tr("F1 by building, base model")))
        self.addOutput(QgsProcessingOutputNumber("F1_AFTER", self.tr("F1 by building, tuned model")))
        self.addOutput(QgsProcessingOutputHtml("REPORT", self.tr("Report")))

    def prepareAlgorithm(
        self, parameters: Values, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Look at the run, and whether its layers are being edited; called by QGIS on the main thread."""
        super().prepareAlgorithm(parameters, context, feedback)
        given = self.read_options(list_options(RetraceOptions), parameters, context)
        is_chosen = given["threshold"] is None and given["min_area_m2"] is None
        self._options = RetraceOptions(**given, chosen=is_chosen)
        try:
            folder = require_reviewable(self._options.run).folder
            refuse_edits(folder, context.project() or QgsProject.instance())
        except TunerError as error:
            refuse(error)
        return True

    def processAlgorithm(
        self, parameters: Values, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Values:
        """Trace and score; called by QGIS, usually in a thread. A cancel leaves the run as it was."""
        del parameters, context
        folder, arguments = RunFolder(self._options.run), ["retrace", *list_arguments(self._options)]
        finished = follow_worker(arguments, folder.log, FeedbackAdapter(feedback, STAGES), self.client)
        if feedback.isCanceled():
            return {}
        return {
            "FOOTPRINTS": str(folder.footprints),
            "F1_BEFORE": finished.before.building.f1,
            "F1_AFTER": finished.after.building.f1,
            "REPORT": str(folder.page),
        }
