"""A folder in SpaceNet's layout as a raster, labels and areas, as an algorithm."""

from __future__ import annotations

import tempfile
from pathlib import Path

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputRasterLayer,
    QgsProcessingOutputVectorLayer,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFolderDestination,
    QgsProcessingUtils,
)

from ...core.command_options import SpaceNetOptions
from ...core.option import list_arguments, list_options
from .feedback import FeedbackAdapter
from .parameters import Values
from .worker_algorithm import WorkerAlgorithm, follow_worker

_STAGES = ("convert",)


class SpaceNetAlgorithm(WorkerAlgorithm):
    """Make a raster, labels and areas of a folder of tiles as SpaceNet releases it."""

    ID = "spacenet"

    def initAlgorithm(self, configuration: Values | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        self.add_options(list_options(SpaceNetOptions))
        self.addParameter(QgsProcessingParameterBoolean("LOAD", self.tr("Add the layers to the project"), True))
        self.addParameter(QgsProcessingParameterFolderDestination("OUTPUT_FOLDER", self.tr("Folder for the files")))
        self.addOutput(QgsProcessingOutputRasterLayer("RASTER", self.tr("Raster")))
        self.addOutput(QgsProcessingOutputVectorLayer("LABELS", self.tr("Labels")))
        self.addOutput(QgsProcessingOutputVectorLayer("AREAS", self.tr("Areas")))

    def processAlgorithm(
        self, parameters: Values, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Values:
        """Convert the folder; called by QGIS, usually in a thread."""
        given = self.read_options(list_options(SpaceNetOptions), parameters, context)
        out = Path(self.parameterAsFileOutput(parameters, "OUTPUT_FOLDER", context)).absolute()
        product, may_replace = given["product"].strip(), given["overwrite"]
        options = SpaceNetOptions(given["folder"], out, product, overwrite=may_replace, events=True)
        arguments = ["spacenet", *list_arguments(options)]
        with tempfile.TemporaryDirectory(prefix="footprint_tuner_") as passing:
            finished = follow_worker(
                arguments, Path(passing) / "log.txt", FeedbackAdapter(feedback, _STAGES), self.client
            )
        if feedback.isCanceled():
            return {}
        results = {name.upper(): path for name, path in finished.files.items()}
        if self.parameterAsBoolean(parameters, "LOAD", context):
            for name, path in results.items():
                self._announce(path, name, f"{options.folder.name} {name.lower()}", context)
        return {"OUTPUT_FOLDER": str(out), **results}

    def _announce(self, path: str, output: str, title: str, context: QgsProcessingContext) -> None:
        """Let QGIS add the layer once the algorithm has ended."""
        details = QgsProcessingContext.LayerDetails(title, context.project(), output, _HINTS[output])
        context.addLayerToLoadOnCompletion(path, details)


_HINTS = {
    "RASTER": QgsProcessingUtils.LayerHint.Raster,
    "LABELS": QgsProcessingUtils.LayerHint.Vector,
    "AREAS": QgsProcessingUtils.LayerHint.Vector,
}
