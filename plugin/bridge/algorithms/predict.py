"""Footprints by a tuned model, as an algorithm."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterRasterLayer,
)

from ....ui.fields.imagery import choose_bands
from ...core.errors import CopyCancelled, InputError, TunerError
from ...core.imagery import require_bands
from ...core.models import find_card
from ..layers.area_of_interest import list_box
from ..layers.layer_checks import Polygons, locate_raster, refuse_missing_crs, take_source
from ..layers.polygon_copy import copy_polygons
from .feedback import FeedbackAdapter
from .job_algorithm import (
    BANDS,
    MODEL_FILES,
    make_bands_parameter,
    make_device_parameter,
    make_min_area_parameter,
    read_bands,
)
from .outputs import make_footprints_parameter, send_footprints
from .worker_algorithm import WorkerAlgorithm, follow_worker, refuse

_STAGES = ("fetch", "predict", "trace")


class PredictAlgorithm(WorkerAlgorithm):
    """Map the footprints of a raster with a tuned model."""

    _arguments: tuple[str, ...] = ()
    _ground: Polygons | None = None

    def name(self) -> str:
        """Return the part after the colon in the id."""
        return "predict"

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return self.tr("Map footprints with a tuned model")

    def tags(self) -> list[str]:
        """Return what else people search for."""
        return self.tr("building,footprint,inference,detect,extract,deep learning,segmentation").split(",")

    def shortHelpString(self) -> str:
        """Return the help beside the dialog."""
        return self.tr(
            "Maps the building footprints of a raster with a model that was fine-tuned before, for example those of the"
            " next town. The model is the file model.json (or model.safetensors) in a run's folder.\n\n"
            "Give an extent, or polygons as the ground, to map a part of the raster: those footprints are written that"
            " lie at least half on it. Where the raster differs from the imagery that the model was tuned on, the log"
            " warns before the work begins.\n\n"
            "Each footprint carries a confidence from 0 to 1. An empty minimum area means: as the model's card says."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        self.addParameter(QgsProcessingParameterRasterLayer("RASTER", self.tr("Raster")))
        self.addParameter(QgsProcessingParameterFile("MODEL", self.tr("Tuned model"), fileFilter=MODEL_FILES))
        self.addParameter(QgsProcessingParameterExtent("EXTENT", self.tr("Extent"), optional=True))
        polygon, ground = [QgsProcessing.TypeVectorPolygon], self.tr("Or the ground, as polygons")
        self.addParameter(QgsProcessingParameterFeatureSource("GROUND", ground, polygon, optional=True))
        self.addParameter(make_bands_parameter(self.tr("Bands")))
        self.addParameter(make_min_area_parameter(self.tr("Minimum area (m²)"), None, is_optional=True))
        self.addParameter(make_device_parameter(self.tr("Device")))
        self.addParameter(make_footprints_parameter(self.tr("Footprints"), is_optional=False))

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Look at the raster and the model's card; called by QGIS on the main thread."""
        super().prepareAlgorithm(parameters, context, feedback)
        model = self.parameterAsString(parameters, "MODEL", context)
        layer = self.parameterAsRasterLayer(parameters, "RASTER", context)
        try:
            self._arguments = ("--raster", locate_raster(layer), "--model", model)
            bands = read_bands(self.parameterAsString(parameters, BANDS, context))
            if not bands:
                card = find_card(model)
                bands = choose_bands(layer, card)
                require_bands(card.bands, bands, card.imagery)
            self._arguments += self._read_where(parameters, context)
        except TunerError as error:
            refuse(error)
        self._arguments += ("--device", self.parameterAsEnumString(parameters, "DEVICE", context))
        if bands:
            self._arguments += ("--bands", ",".join(map(str, bands)))
        if parameters.get("MIN_AREA") is not None:
            self._arguments += ("--min-area-m2", str(self.parameterAsDouble(parameters, "MIN_AREA", context)))
        return True

    def _read_where(self, parameters: dict[str, Any], context: QgsProcessingContext) -> tuple[str, ...]:
        """Return the options for the extent, and keep the ground; raises InputError."""
        source = self.parameterAsSource(parameters, "GROUND", context)
        if source is not None:
            self._ground = take_source(source, "The ground", [])
            refuse_missing_crs(self._ground)
        box = self.parameterAsExtent(parameters, "EXTENT", context)
        if box.isNull():
            return ()
        if source is not None:
            raise InputError("Both an extent and a ground are given.", "Leave one of them empty.")
        return tuple(list_box(box, self.parameterAsExtentCrs(parameters, "EXTENT", context)))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Predict and trace; called by QGIS, usually in a thread."""
        with tempfile.TemporaryDirectory(prefix="footprint_tuner_") as folder:
            out = Path(folder) / "footprints.gpkg"
            arguments = ["predict", *self._arguments, *self._copy_ground(folder, feedback)]
            arguments += ["--out", str(out), "--events"]
            follow_worker(arguments, Path(folder) / "log.txt", FeedbackAdapter(feedback, _STAGES), self.client)
            return {} if feedback.isCanceled() else send_footprints(self, out, parameters, context, feedback)

    def _copy_ground(self, folder: str, feedback: QgsProcessingFeedback) -> list[str]:
        """Write the ground, if there is any, and return the option that names it."""
        if self._ground is None:
            return []
        path = Path(folder) / "ground.gpkg"
        try:
            copy_polygons(self._ground, path, feedback.isCanceled)
        except CopyCancelled:
            return []  # the worker hears it, too
        except TunerError as error:
            refuse(error)
        return ["--ground", str(path)]
