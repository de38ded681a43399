"""A run as one zip to send, as an algorithm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
)

from ...core.delete_run import refuse_running
from ...core.errors import TunerError
from ...core.folder import RunFolder
from ...core.run_archive import PackingCancelled, pack_run, plan_archive
from .worker_algorithm import WorkerAlgorithm, refuse


class SendAlgorithm(WorkerAlgorithm):
    """Write a run as a zip without imagery, probabilities and paths; it needs no worker."""

    def name(self) -> str:
        """Return the part after the colon in the id."""
        return "send"

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return self.tr("Write a run as a zip to send")

    def tags(self) -> list[str]:
        """Return what else people search for."""
        return self.tr("building,footprint,share,archive,zip,export,history").split(",")

    def shortHelpString(self) -> str:
        """Return the help beside the dialog."""
        return self.tr(
            "Writes a fine-tuning's run folder as one zip: job, report, model, labels, footprints and errors. Imagery,"
            " probabilities and logs are left out, and so are the names of your folders. Labels that lie outside the"
            " run stay where they are."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        folder = QgsProcessingParameterFile.Folder
        self.addParameter(QgsProcessingParameterFile("RUN_FOLDER", self.tr("Folder of the run"), folder))
        self.addParameter(QgsProcessingParameterFileDestination("ZIP", self.tr("Zip"), "ZIP (*.zip)"))

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Do without a proxy; called by QGIS on the main thread."""
        return bool(QgsProcessingAlgorithm.prepareAlgorithm(self, parameters, context, feedback))

    def canExecute(self) -> tuple[bool, str]:
        """Do without the worker's environment; called by QGIS before the dialog opens."""
        return True, ""

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Write the zip; called by QGIS, usually in a thread."""
        folder = RunFolder(Path(self.parameterAsString(parameters, "RUN_FOLDER", context)).absolute())
        out = Path(self.parameterAsFileOutput(parameters, "ZIP", context)).absolute()
        try:
            refuse_running(folder)
            pack_run(plan_archive(folder), out, lambda share: feedback.setProgress(100 * share), feedback.isCanceled)
        except PackingCancelled:
            return {}
        except TunerError as error:
            refuse(error)
        return {"ZIP": str(out)}
