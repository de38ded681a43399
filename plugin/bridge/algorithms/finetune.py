"""The main job as an algorithm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputFile,
    QgsProcessingOutputHtml,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFolderDestination,
)

from ...core.folder import RunFolder
from .narrator import Narrator
from .outputs import make_footprints_parameter, send_footprints
from .tuning import TuningAlgorithm, run_delivery
from .worker import read_f1


class FinetuneAlgorithm(TuningAlgorithm):
    """Fine-tune a model and map the footprints of the whole raster."""

    def name(self) -> str:
        """Return the part after the colon in the id."""
        return "finetune"

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return self.tr("Fine-tune a footprint model")

    def tags(self) -> list[str]:
        """Return what else people search for."""
        return self.tr("building,buildings,footprint,fine-tune,train,deep learning,segmentation,digitize").split(",")

    def shortHelpString(self) -> str:
        """Return the help beside the dialog."""
        return self.tr(
            "Fine-tunes a pre-trained building-footprint model with labels drawn on a part of a raster, then maps the"
            " footprints of the whole raster.\n\n"
            "Base model and tuned model are scored on the same held-out ground, which training never sees: F1 before"
            " and after, by building. Without areas the labelled ground is divided into blocks; with areas, those whose"
            ' role is "held-out" are scored and everything inside an area counts as labelled.\n\n'
            "The run's folder keeps all that went in and came out: job, labels, log, tuned model, footprints, report."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        self.add_job_parameters()
        self.addParameter(make_footprints_parameter(self.tr("Footprints"), is_optional=True))
        self.addParameter(QgsProcessingParameterFolderDestination("RUN_FOLDER", self.tr("Run's folder")))
        self.addOutput(QgsProcessingOutputNumber("F1_BEFORE", self.tr("F1 by building, base model")))
        self.addOutput(QgsProcessingOutputNumber("F1_AFTER", self.tr("F1 by building, tuned model")))
        self.addOutput(QgsProcessingOutputFile("MODEL", self.tr("Tuned model")))
        self.addOutput(QgsProcessingOutputHtml("REPORT", self.tr("Report")))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Run the job; called by QGIS, usually in a thread."""
        folder = RunFolder(Path(self.parameterAsFileOutput(parameters, "RUN_FOLDER", context)).absolute())
        finished = run_delivery(self._delivery, folder, "run", Narrator(feedback), self.environ)
        if feedback.isCanceled():
            return {"RUN_FOLDER": str(folder.path)}
        return {
            "RUN_FOLDER": str(folder.path),
            "F1_BEFORE": read_f1(finished.before),
            "F1_AFTER": read_f1(finished.after),
            "MODEL": str(folder.card),
            "REPORT": str(folder.page if folder.page.exists() else folder.report),
            **send_footprints(self, folder.footprints, parameters, context, feedback),
        }
