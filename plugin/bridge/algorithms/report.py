"""The report of a run as a page and on paper, as an algorithm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputHtml,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
)

from ...core.environment import SetupCancelled
from ...core.errors import InputError, TunerError
from ...core.folder import RunFolder
from ..runs.pdf import write_pdf
from .worker_algorithm import WorkerAlgorithm, refuse


class ReportAlgorithm(WorkerAlgorithm):
    """Write the report of a run anew, and print it."""

    def name(self) -> str:
        """Return the part after the colon in the id."""
        return "report"

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return self.tr("Write the report of a run")

    def tags(self) -> list[str]:
        """Return what else people search for."""
        return self.tr("building,footprint,accuracy,F1,print,PDF,HTML,document").split(",")

    def shortHelpString(self) -> str:
        """Return the help beside the dialog."""
        return self.tr(
            "Writes report.html of a fine-tuning's run folder anew, and as a PDF where a file is named for it: the F1"
            " before and after with its interval, pictures of the best, the median and the worst block, a map of what"
            " was learnt on and scored on, settings, versions, licences and limits.\n\n"
            "The folder may have been moved. The raster is looked for where it was, in the folder, and up to two"
            " folders above; without it the report has no pictures."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        folder = QgsProcessingParameterFile.Folder
        self.addParameter(QgsProcessingParameterFile("RUN_FOLDER", self.tr("Folder of the run"), folder))
        kinds = "PDF (*.pdf)"
        pdf = QgsProcessingParameterFileDestination("PDF", self.tr("PDF"), kinds, None, True, False)
        self.addParameter(pdf)
        self.addOutput(QgsProcessingOutputHtml("HTML", self.tr("Report")))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
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
