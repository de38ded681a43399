"""A tuned model is improved by corrections, as an algorithm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
    QgsVectorLayer,
)

from ...core.errors import InputError, TunerError
from ...core.folder import RunFolder
from ...core.job import Settings
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
from .job_algorithm import make_device_parameter
from .run_algorithm import declare_ending, run_to_end
from .worker_algorithm import WorkerAlgorithm, refuse

_DEFAULTS = Settings()
_INTEGER, _DOUBLE = QgsProcessingParameterNumber.Integer, QgsProcessingParameterNumber.Double
_WHOLE = {"EPOCHS": "epochs", "BATCH_SIZE": "batch_size", "SAMPLES": "samples", "SEED": "seed"}
_BROKEN = {"REPLAY_SHARE": "replay_share", "LEARNING_RATE": "learning_rate"}


class ImproveAlgorithm(WorkerAlgorithm):
    """Tune a run's model further, on ground where its footprints were corrected."""

    _inputs: Improvement

    def name(self) -> str:
        """Return the part after the colon in the id."""
        return "improve"

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return self.tr("Improve a tuned model by corrections")

    def tags(self) -> list[str]:
        """Return what else people search for."""
        return self.tr("building,footprint,fine-tune,correct,review,active learning,deep learning").split(",")

    def shortHelpString(self) -> str:
        """Return the help beside the dialog."""
        return self.tr(
            "Starts a new run from the model of an earlier one, with footprints that were corrected as labels.\n\n"
            "Checked ground says where they are right, and nothing else is a building. It is learnt from together"
            " with a share of the ground that the earlier run learnt from. Held-out ground stays held-out: what of the"
            " checked ground lies on it is never learnt from, and F1 before and after is that of the same exam.\n\n"
            "Where no corrections are named, those that were made in the dock are taken from the earlier run's folder,"
            " as they are saved there."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        number, polygon = QgsProcessingParameterNumber, [QgsProcessing.TypeVectorPolygon]
        run = self.tr("Folder of the run whose model is improved")
        self.addParameter(QgsProcessingParameterFile("RUN", run, QgsProcessingParameterFile.Folder))
        for name, text in (
            ("CORRECTIONS", self.tr("Corrected footprints (empty: the run's own)")),
            ("CHECKED", self.tr("Checked ground (empty: the run's own)")),
        ):
            self.addParameter(QgsProcessingParameterFeatureSource(name, text, polygon, optional=True))
        replay = self.tr("Share of the crops on ground that was learnt earlier")
        self.addParameter(number("REPLAY_SHARE", replay, _DOUBLE, _DEFAULTS.replay_share, False, 0, 0.9))
        rest = self.tr("(empty: as the recipe says)")
        same = self.tr("(empty: as the earlier run)")
        for parameter in (
            number("EPOCHS", f"{self.tr('Epochs')} {rest}", _INTEGER, None, True, 1, 1000),
            number("LEARNING_RATE", f"{self.tr('Learning rate')} {rest}", _DOUBLE, None, True, 0, 1),
            number("SAMPLES", f"{self.tr('Epoch size in tiles')} {rest}", _INTEGER, None, True, 1, 100_000),
            number("BATCH_SIZE", f"{self.tr('Batch size')} {same}", _INTEGER, None, True, 1, 512),
            number("SEED", f"{self.tr('Seed')} {same}", _INTEGER, None, True, 0),
            make_device_parameter(self.tr("Device")),
        ):
            parameter.setFlags(parameter.flags() | QgsProcessingParameterDefinition.FlagAdvanced)
            self.addParameter(parameter)
        declare_ending(self, self.tr("F1 by building, earlier model"), self.tr("F1 by building, improved model"))

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
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
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Run the job; called by QGIS, usually in a thread."""
        return run_to_end(self, self._inputs, parameters, context, feedback, self.client)

    def _take_corrections(
        self, folder: RunFolder, parameters: dict[str, Any], context: QgsProcessingContext
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

    def _read_wishes(self, parameters: dict[str, Any], context: QgsProcessingContext) -> dict[str, Any]:
        wishes: dict[str, Any] = {"device": self.parameterAsEnumString(parameters, "DEVICE", context)}
        for name, setting in _BROKEN.items():
            if name == "REPLAY_SHARE" or parameters.get(name) is not None:
                wishes[setting] = self.parameterAsDouble(parameters, name, context)
        for name, setting in _WHOLE.items():
            if parameters.get(name) is not None:
                wishes[setting] = self.parameterAsInt(parameters, name, context)
        problems = Settings(**wishes).find_problems()
        if problems:
            raise InputError(" ".join(problems), "Correct the settings.")
        return wishes
