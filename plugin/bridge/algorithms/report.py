"""The report of a run as a page and on paper, as an algorithm."""

from __future__ import annotations

from pathlib import Path

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputHtml,
    QgsProcessingParameterFileDestination,
)

from ...core.command_options import ReportOptions
from ...core.environment import SetupCancelled
from ...core.errors import InputError, TunerError
from ...core.folder import RunFolder
from ...core.option import list_options
from ..runs.pdf import write_pdf
from .parameters import Values
from .worker_algorithm import WorkerAlgorithm, refuse


class ReportAlgorithm(WorkerAlgorithm):
    """Write the report of a run anew, and print it."""

    ID = "report"

    def initAlgorithm(self, configuration: Values | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        self.add_options(list_options(ReportOptions))
        kinds = "PDF (*.pdf)"
        pdf = QgsProcessingParameterFileDestination("PDF", self.tr("PDF"), kinds, None, True, False)
        self.addParameter(pdf)
        self.addOutput(QgsProcessingOutputHtml("HTML", self.tr("Report")))

    def processAlgorithm(
        self, parameters: Values, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Values:
        """Write the report; called by QGIS, usually in a thread."""
        run = RunFolder(Path(self.parameterAsString(parameters, "RUN_FOLDER", context)).absolute())
        pdf = self.parameterAsFileOutput(parameters, "PDF", context) if parameters.get("PDF") else ""
        try:
            if not run.path.is_dir():
                raise InputError(f"There is no folder {run.path}.", "Give the folder of a run.")
            self.client.ask(["report", str(run.path), "--json"], feedback.isCanceled)
            results = {"HTML": str(run.page)}
            if pdf:
                pages = write_pdf(run.page, Path(pdf).absolute())
                feedback.pushInfo(f"{pdf}: {pages} pages")
                results["PDF"] = pdf
        except SetupCancelled:
            return {}
        except TunerError as error:
            refuse(error)
        return results
