"""Footprints by a tuned model, as an algorithm."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from qgis.core import QgsProcessingContext, QgsProcessingFeedback

from ....ui.fields.imagery import choose_bands
from ...core.command_options import Corners, PredictOptions
from ...core.errors import CopyCancelled, InputError, TunerError
from ...core.imagery import require_bands
from ...core.models import find_card
from ...core.option import list_arguments, list_options
from ..layers.area_of_interest import read_corners, write_crs
from ..layers.layer_checks import Polygons, locate_raster, refuse_missing_crs, take_source
from ..layers.polygon_copy import copy_polygons
from .feedback import FeedbackAdapter
from .outputs import make_footprints_parameter, send_footprints
from .parameters import Values
from .worker_algorithm import WorkerAlgorithm, follow_worker, refuse

_STAGES = ("fetch", "predict", "trace")


class PredictAlgorithm(WorkerAlgorithm):
    """Map the footprints of a raster with a tuned model."""

    ID = "predict"

    _options: PredictOptions
    _ground: Polygons | None = None

    def initAlgorithm(self, configuration: Values | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        self.add_options(list_options(PredictOptions))
        self.addParameter(make_footprints_parameter(self.tr("Footprints"), is_optional=False))

    def prepareAlgorithm(
        self, parameters: Values, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Look at the raster and the model's card; called by QGIS on the main thread."""
        super().prepareAlgorithm(parameters, context, feedback)
        layer = self.parameterAsRasterLayer(parameters, "RASTER", context)
        try:
            raster = locate_raster(layer)
            given = self.read_options(list_options(PredictOptions), parameters, context)
            if not given["bands"]:
                card = find_card(given["model"])
                given["bands"] = choose_bands(layer, card)
                require_bands(card.bands, given["bands"], card.imagery)
            box, crs = self._read_where(parameters, context)
        except TunerError as error:
            refuse(error)
        self._options = PredictOptions(raster, out=Path(), box=box, box_crs=crs, events=True, **given)
        return True

    def _read_where(self, parameters: Values, context: QgsProcessingContext) -> tuple[Corners | None, str]:
        """Return the extent and its coordinate system, and keep the ground; raises InputError."""
        source = self.parameterAsSource(parameters, "GROUND", context)
        if source is not None:
            self._ground = take_source(source, "The ground", [])
            refuse_missing_crs(self._ground)
        extent = self.parameterAsExtent(parameters, "EXTENT", context)
        if extent.isNull():
            return None, ""
        if source is not None:
            raise InputError("Both an extent and a ground are given.", "Leave one of them empty.")
        return read_corners(extent), write_crs(self.parameterAsExtentCrs(parameters, "EXTENT", context))

    def processAlgorithm(
        self, parameters: Values, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Values:
        """Predict and trace; called by QGIS, usually in a thread."""
        with tempfile.TemporaryDirectory(prefix="footprint_tuner_") as folder:
            out = Path(folder) / "footprints.gpkg"
            options = replace(self._options, out=out, ground=self._copy_ground(folder, feedback))
            arguments = ["predict", *list_arguments(options)]
            follow_worker(arguments, Path(folder) / "log.txt", FeedbackAdapter(feedback, _STAGES), self.client)
            return {} if feedback.isCanceled() else send_footprints(self, out, parameters, context, feedback)

    def _copy_ground(self, folder: str, feedback: QgsProcessingFeedback) -> str:
        """Write the ground, if there is any, and return where it is."""
        if self._ground is None:
            return ""
        path = Path(folder) / "ground.gpkg"
        try:
            copy_polygons(self._ground, path, feedback.isCanceled)
        except CopyCancelled:
            return ""  # the worker hears it, too
        except TunerError as error:
            refuse(error)
        return str(path)
