"""A run as one zip to send, as an algorithm."""

from __future__ import annotations

from pathlib import Path

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterFileDestination,
)

from ...core.command_options import SendOptions
from ...core.delete_run import refuse_running
from ...core.errors import TunerError
from ...core.folder import RunFolder
from ...core.option import list_options
from ...core.run_archive import PackingCancelled, pack_run, plan_archive
from .declared_algorithm import DeclaredAlgorithm
from .parameters import Values
from .worker_algorithm import refuse


class SendAlgorithm(DeclaredAlgorithm):
    """Write a run as a zip without imagery, probabilities and paths; it needs no worker."""

    ID = "send"

    def initAlgorithm(self, configuration: Values | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        self.add_options(list_options(SendOptions))
        self.addParameter(QgsProcessingParameterFileDestination("ZIP", self.tr("Zip"), "ZIP (*.zip)"))

    def processAlgorithm(
        self, parameters: Values, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Values:
        """Write the zip; called by QGIS, usually in a thread."""
        folder = RunFolder(Path(self.parameterAsString(parameters, "RUN_FOLDER", context)).absolute())
        out = Path(self.parameterAsFileOutput(parameters, "ZIP", context)).absolute()
        try:
            refuse_running(folder)
            archive = plan_archive(folder)
            pack_run(
                archive,
                out,
                lambda share: feedback.setProgress(100 * share),
                feedback.isCanceled,
                may_replace=True,  # the dialog has asked
            )
        except PackingCancelled:
            return {}
        except TunerError as error:
            refuse(error)
        return {"ZIP": str(out)}
