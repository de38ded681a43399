"""A tuned model is improved by corrections, as an algorithm."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsVectorLayer

from ...core.command_options import ImproveOptions
from ...core.errors import InputError, TunerError
from ...core.folder import RunFolder
from ...core.job import Settings
from ...core.option import pick_options
from ..layers.layer_checks import (
    Polygons,
    refuse_missing_crs,
    take_checked,
    take_checked_source,
    take_corrected,
    take_source,
)
from ..review.improve.correction_inputs import Improvement, prepare_improvement
from ..review.improve.corrections import open_corrections
from .parameters import Values
from .run_algorithm import declare_ending, run_to_end
from .worker_algorithm import WorkerAlgorithm, refuse

_REPLAY = pick_options(Settings, "replay_share")
_AS_RECIPE = pick_options(Settings, "epochs", "learning_rate", "samples")
_AS_BEFORE = [
    *(replace(option, default=None) for option in pick_options(Settings, "batch_size", "seed")),
    *pick_options(Settings, "device"),
]


class ImproveAlgorithm(WorkerAlgorithm):
    """Tune a run's model further, on ground where its footprints were corrected."""

    ID = "improve"

    _inputs: Improvement

    def initAlgorithm(self, configuration: Values | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        self.add_options([*pick_options(ImproveOptions, "run", "corrections", "checked"), *_REPLAY])
        self.add_options(_AS_RECIPE, note=self.tr("(empty: as the recipe says)"), is_advanced=True)
        self.add_options(_AS_BEFORE, note=self.tr("(empty: as the earlier run)"), is_advanced=True)
        declare_ending(self, self.tr("F1 by building, earlier model"), self.tr("F1 by building, improved model"))

    def prepareAlgorithm(
        self, parameters: Values, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Look at the run and the layers; called by QGIS on the main thread."""
        super().prepareAlgorithm(parameters, context, feedback)
        try:
            folder = RunFolder(Path(self.parameterAsString(parameters, "RUN", context)).absolute())
            corrected, checked = self._take_corrections(folder, parameters, context)
            wishes = self._read_wishes(parameters, context)
            self._inputs = prepare_improvement(folder, corrected, checked, **wishes)
        except TunerError as error:
            refuse(error)
        return True

    def processAlgorithm(
        self, parameters: Values, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Values:
        """Run the job; called by QGIS, usually in a thread."""
        return run_to_end(self, self._inputs, parameters, context, feedback, self.client)

    def _take_corrections(
        self, folder: RunFolder, parameters: Values, context: QgsProcessingContext
    ) -> tuple[Polygons, Polygons]:
        corrected = self.parameterAsSource(parameters, "CORRECTIONS", context)
        checked = self.parameterAsSource(parameters, "CHECKED", context)
        own: tuple[QgsVectorLayer, ...] = ()
        if corrected is None or checked is None:
            own = open_corrections(folder)
        polygons = (
            take_corrected(own[0])
            if corrected is None
            else take_source(corrected, "The layer of corrected footprints", []),
            take_checked(own[1]) if checked is None else take_checked_source(checked),
        )
        for each in polygons:
            refuse_missing_crs(each)
        return polygons

    def _read_wishes(self, parameters: Values, context: QgsProcessingContext) -> Values:
        given = self.read_options([*_REPLAY, *_AS_RECIPE, *_AS_BEFORE], parameters, context)
        wishes = {name: value for name, value in given.items() if value is not None}
        problems = Settings(**wishes).find_problems()
        if problems:
            raise InputError(" ".join(problems), "Correct the settings.")
        return wishes
