"""A model for other tools, as an algorithm."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputFile,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
)

from ...core.errors import TunerError
from ...core.job import DEFAULT_BASE_MODEL
from ...core.models import find_card
from .feedback import FeedbackAdapter
from .job_algorithm import MODEL_FILES
from .worker_algorithm import WorkerAlgorithm, follow_worker, refuse

_STAGES = ("export",)
_ENDING = ".onnx"


class ExportAlgorithm(WorkerAlgorithm):
    """Write a model as ONNX, and its card for people."""

    _arguments: tuple[str, ...] = ()

    def name(self) -> str:
        """Return the part after the colon in the id."""
        return "export"

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return self.tr("Export a footprint model")

    def tags(self) -> list[str]:
        """Return what else people search for."""
        return self.tr("building,footprint,onnx,deepness,model card,share,convert,deep learning").split(",")

    def shortHelpString(self) -> str:
        """Return the help beside the dialog."""
        return self.tr(
            "Writes a model as an ONNX file, which the plugin Deepness, onnxruntime and other tools open, and beside it"
            " a card for people: what it is, which imagery it takes, how good it is, its limits and its licence.\n\n"
            "The file is checked against the model itself: DIFFERENCE is the largest between two probabilities; a file"
            " that differs by more than 0.0001 is refused. It says which pixels are building; how touching buildings"
            " part, and right angles, are not in it."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        number = QgsProcessingParameterNumber
        tuned, side = self.tr("Or a tuned model"), self.tr("Tiles' side in pixels (empty: as the recipe says)")
        self.addParameter(QgsProcessingParameterString("MODEL", self.tr("Model"), DEFAULT_BASE_MODEL, False, True))
        self.addParameter(QgsProcessingParameterFile("MODEL_FILE", tuned, optional=True, fileFilter=MODEL_FILES))
        self.addParameter(number("TILE_PX", side, number.Integer, None, True, 64, 2048))
        kinds = self.tr("ONNX model") + f" (*{_ENDING})"
        self.addParameter(QgsProcessingParameterFileDestination("ONNX", self.tr("ONNX file"), kinds))
        self.addOutput(QgsProcessingOutputFile("MODEL_CARD", self.tr("Card for people")))
        self.addOutput(QgsProcessingOutputNumber("DIFFERENCE", self.tr("Largest difference of a probability")))

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Look at the model's card; called by QGIS on the main thread."""
        super().prepareAlgorithm(parameters, context, feedback)
        file = self.parameterAsString(parameters, "MODEL_FILE", context)
        model = str(Path(file).absolute()) if file else self.parameterAsString(parameters, "MODEL", context)
        try:
            find_card(model)
        except TunerError as error:
            refuse(error)
        self._arguments = ("export", "--model", model, "--events")
        if parameters.get("TILE_PX") is not None:
            self._arguments += ("--tile-px", str(self.parameterAsInt(parameters, "TILE_PX", context)))
        return True

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Export; called by QGIS, usually in a thread."""
        out = Path(self.parameterAsFileOutput(parameters, "ONNX", context)).absolute()
        if out.suffix != _ENDING:
            raise QgsProcessingException(
                f"{out.name} is no name for an ONNX file. Choose one that ends with {_ENDING}."
            )
        with tempfile.TemporaryDirectory(prefix="footprint_tuner_") as folder:
            arguments = [*self._arguments, "--out", str(out)]
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
