"""A model for other tools, as an algorithm."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputFile,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterString,
)

from ...core.command_options import ExportOptions
from ...core.errors import TunerError
from ...core.job import DEFAULT_BASE_MODEL
from ...core.models import find_card
from ...core.option import list_arguments, pick_options
from .feedback import FeedbackAdapter
from .parameters import MODEL_FILES, Values
from .worker_algorithm import WorkerAlgorithm, follow_worker, refuse

_STAGES = ("export",)
_ENDING = ".onnx"
_OPTIONS = pick_options(ExportOptions, "tile_px")


class ExportAlgorithm(WorkerAlgorithm):
    """Write a model as ONNX, and its card for people."""

    ID = "export"

    _options: ExportOptions

    def initAlgorithm(self, configuration: Values | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        tuned = self.tr("Or a tuned model")
        self.addParameter(QgsProcessingParameterString("MODEL", self.tr("Model"), DEFAULT_BASE_MODEL, False, True))
        self.addParameter(QgsProcessingParameterFile("MODEL_FILE", tuned, optional=True, fileFilter=MODEL_FILES))
        self.add_options(_OPTIONS)
        kinds = self.tr("ONNX model") + f" (*{_ENDING})"
        self.addParameter(QgsProcessingParameterFileDestination("ONNX", self.tr("ONNX file"), kinds))
        self.addOutput(QgsProcessingOutputFile("MODEL_CARD", self.tr("Card for people")))
        self.addOutput(QgsProcessingOutputNumber("DIFFERENCE", self.tr("Largest difference of a probability")))

    def prepareAlgorithm(
        self, parameters: Values, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Look at the model's card; called by QGIS on the main thread."""
        super().prepareAlgorithm(parameters, context, feedback)
        file = self.parameterAsString(parameters, "MODEL_FILE", context)
        model = str(Path(file).absolute()) if file else self.parameterAsString(parameters, "MODEL", context)
        try:
            find_card(model)
        except TunerError as error:
            refuse(error)
        given = self.read_options(_OPTIONS, parameters, context)
        self._options = ExportOptions(model, Path(), **given, events=True)
        return True

    def processAlgorithm(
        self, parameters: Values, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Values:
        """Export; called by QGIS, usually in a thread."""
        out = Path(self.parameterAsFileOutput(parameters, "ONNX", context)).absolute()
        if out.suffix != _ENDING:
            raise QgsProcessingException(
                f"{out.name} is no name for an ONNX file. Choose one that ends with {_ENDING}."
            )
        with tempfile.TemporaryDirectory(prefix="footprint_tuner_") as folder:
            arguments = ["export", *list_arguments(replace(self._options, out=out, overwrite=out.exists()))]
            finished = follow_worker(
                arguments, Path(folder) / "log.txt", FeedbackAdapter(feedback, _STAGES), self.client
            )
        if feedback.isCanceled():
            return {}
        return {
            "ONNX": str(out),
            "MODEL_CARD": finished.files["model_card"],
            "DIFFERENCE": finished.figures["difference"],
        }
