"""What the algorithms that tune give back: the run's folder, its scores, its model, its footprints."""

from __future__ import annotations

from pathlib import Path

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputFile,
    QgsProcessingOutputHtml,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFolderDestination,
)

from ...core.folder import RunFolder
from ..tuning.run_inputs import RunInputs
from ..worker_client.client import WorkerClient
from .feedback import FeedbackAdapter
from .job_algorithm import run_delivery
from .outputs import make_footprints_parameter, send_footprints
from .parameters import Values


def declare_ending(algorithm: QgsProcessingAlgorithm, before: str, after: str) -> None:
    """Declare the outputs; ``before`` and ``after`` name the two scores."""
    algorithm.addParameter(make_footprints_parameter(algorithm.tr("Footprints"), is_optional=True))
    algorithm.addParameter(QgsProcessingParameterFolderDestination("RUN_FOLDER", algorithm.tr("Run's folder")))
    algorithm.addOutput(QgsProcessingOutputNumber("F1_BEFORE", before))
    algorithm.addOutput(QgsProcessingOutputNumber("F1_AFTER", after))
    algorithm.addOutput(QgsProcessingOutputFile("MODEL", algorithm.tr("Tuned model")))
    algorithm.addOutput(QgsProcessingOutputHtml("REPORT", algorithm.tr("Report")))


def run_to_end(
    algorithm: QgsProcessingAlgorithm,
    inputs: RunInputs,
    parameters: Values,
    context: QgsProcessingContext,
    feedback: QgsProcessingFeedback,
    client: WorkerClient,
) -> Values:
    """Run what is delivered in the chosen folder and return the algorithm's results; raises QgsProcessingException."""
    folder = RunFolder(Path(algorithm.parameterAsFileOutput(parameters, "RUN_FOLDER", context)).absolute())
    finished = run_delivery(inputs, folder, "run", FeedbackAdapter(feedback), client)
    if feedback.isCanceled():
        return {"RUN_FOLDER": str(folder.path)}
    return {
        "RUN_FOLDER": str(folder.path),
        "F1_BEFORE": finished.before.building.f1,
        "F1_AFTER": finished.after.building.f1,
        "MODEL": str(folder.card),
        "REPORT": str(folder.page if folder.page.exists() else folder.report),
        **send_footprints(algorithm, folder.footprints, parameters, context, feedback),
    }
