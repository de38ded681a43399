"""A folder in SpaceNet's layout as a raster, labels and areas, as an algorithm."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputRasterLayer,
    QgsProcessingOutputVectorLayer,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFile,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterString,
    QgsProcessingUtils,
)

from .feedback import FeedbackAdapter
from .worker_algorithm import WorkerAlgorithm, follow_worker

_STAGES = ("convert",)


class SpaceNetAlgorithm(WorkerAlgorithm):
    """Make a raster, labels and areas of a folder of tiles as SpaceNet releases it."""

    def name(self) -> str:
        """Return the part after the colon in the id."""
        return "spacenet"

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return self.tr("Read a SpaceNet folder")

    def tags(self) -> list[str]:
        """Return what else people search for."""
        return self.tr("building,footprint,SpaceNet,tiles,mosaic,VRT,GeoJSON,import").split(",")

    def shortHelpString(self) -> str:
        """Return the help beside the dialog."""
        return self.tr(
            "Makes of a folder of tiles with labels, as the SpaceNet challenges released it (unpacked), what the"
            " fine-tuning takes: one raster (a VRT that names the tiles and copies nothing), one layer of labels, and"
            " areas: the labelled ground, a part of which is held out.\n\n"
            "The product is the name of a folder of tiles, such as RGB-PanSharpen, PS-RGB or 3band. Left empty, the one"
            " that suits best is taken; the log names the others. Tiles that do not fit, or have no labels, are told"
            " there, too."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        folder = QgsProcessingParameterFile.Folder
        self.addParameter(QgsProcessingParameterFile("FOLDER", self.tr("Folder of tiles and labels"), folder))
        product = self.tr("Product (empty: the one that suits best)")
        self.addParameter(QgsProcessingParameterString("PRODUCT", product, "", False, True))
        self.addParameter(QgsProcessingParameterBoolean("LOAD", self.tr("Add the layers to the project"), True))
        self.addParameter(QgsProcessingParameterFolderDestination("OUTPUT_FOLDER", self.tr("Folder for the files")))
        self.addOutput(QgsProcessingOutputRasterLayer("RASTER", self.tr("Raster")))
        self.addOutput(QgsProcessingOutputVectorLayer("LABELS", self.tr("Labels")))
        self.addOutput(QgsProcessingOutputVectorLayer("AREAS", self.tr("Areas")))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Convert the folder; called by QGIS, usually in a thread."""
        folder = Path(self.parameterAsFile(parameters, "FOLDER", context)).absolute()
        out = Path(self.parameterAsFileOutput(parameters, "OUTPUT_FOLDER", context)).absolute()
        arguments = ["spacenet", str(folder), "--out", str(out), "--events"]
        product = self.parameterAsString(parameters, "PRODUCT", context).strip()
        arguments += ["--product", product] if product else []
        with tempfile.TemporaryDirectory(prefix="footprint_tuner_") as passing:
            finished = follow_worker(
                arguments, Path(passing) / "log.txt", FeedbackAdapter(feedback, _STAGES), self.client
            )
        if feedback.isCanceled():
            return {}
        results = {name.upper(): path for name, path in finished.files.items()}
        if self.parameterAsBoolean(parameters, "LOAD", context):
            for name, path in results.items():
                self._announce(path, name, f"{folder.name} {name.lower()}", context)
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
