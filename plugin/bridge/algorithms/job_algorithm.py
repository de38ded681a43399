"""The inputs of a job as Processing parameters: what ``finetune`` and ``check`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from ...core.errors import CopyCancelled, InputError, TunerError
from ...core.events import Finished
from ...core.folder import RunFolder
from ...core.job import DEFAULT_BASE_MODEL, MOST_SHIFT_M, RECIPES, Settings
from ..layers.layer_checks import refuse_missing_crs, take_area_source, take_source
from ..tuning.run_inputs import RunInputs, prepare_delivery
from ..worker_client.client import WorkerClient
from .feedback import FeedbackAdapter
from .worker_algorithm import WorkerAlgorithm, follow_worker, refuse

BANDS = "BANDS"
DEVICES = ["auto", "cpu", "cuda"]
MODEL_ENDINGS = (".json", ".safetensors")
MODEL_FILES = "Model card (*.json);;Weights (*.safetensors)"
_DEFAULTS = Settings()
_INTEGER, _DOUBLE = QgsProcessingParameterNumber.Integer, QgsProcessingParameterNumber.Double


class TuningAlgorithm(WorkerAlgorithm):
    """An algorithm that takes the inputs of a job."""

    _inputs: RunInputs

    def add_job_parameters(self) -> None:
        """Declare the inputs."""
        polygon = [QgsProcessing.TypeVectorPolygon]
        self.addParameter(QgsProcessingParameterRasterLayer("RASTER", self.tr("Raster")))
        self.addParameter(QgsProcessingParameterFeatureSource("LABELS", self.tr("Labels (building polygons)"), polygon))
        self.addParameter(
            QgsProcessingParameterFeatureSource(
                "AREAS", self.tr('Areas, with a field "role": training or held-out'), polygon, optional=True
            )
        )
        self.addParameter(QgsProcessingParameterString("BASE_MODEL", self.tr("Base model"), DEFAULT_BASE_MODEL))
        tuned = self.tr("Or start from a tuned model")
        self.addParameter(QgsProcessingParameterFile("TUNED_MODEL", tuned, optional=True, fileFilter=MODEL_FILES))
        self._add_settings()

    def _add_settings(self) -> None:
        number = QgsProcessingParameterNumber
        as_card = self.tr("(empty: as the recipe says)")
        recipe = QgsProcessingParameterEnum("RECIPE", self.tr("Recipe"), list(RECIPES), False, RECIPES[0], True)
        recipe.setUsesStaticStrings(True)
        labels = {
            "EPOCHS": self.tr("Epochs"),
            "LEARNING_RATE": self.tr("Learning rate"),
            "BATCH_SIZE": self.tr("Batch size"),
            "SAMPLES": self.tr("Epoch size in tiles"),
            "TILE_PX": self.tr("Tile size in pixels, a multiple of 32"),
        }
        for parameter in (
            make_bands_parameter(self.tr("Bands")),
            recipe,
            number("EPOCHS", f"{labels['EPOCHS']} {as_card}", _INTEGER, None, True, 1, 1000),
            number("LEARNING_RATE", f"{labels['LEARNING_RATE']} {as_card}", _DOUBLE, None, True, 0, 1),
            number("BATCH_SIZE", f"{labels['BATCH_SIZE']} {as_card}", _INTEGER, None, True, 1, 512),
            number("SAMPLES", f"{labels['SAMPLES']} {as_card}", _INTEGER, None, True, 1, 100_000),
            number("TILE_PX", f"{labels['TILE_PX']} {as_card}", _INTEGER, None, True, 64, 2048),
            make_min_area_parameter(self.tr("Minimum area (m²)"), _DEFAULTS.min_area_m2),
            QgsProcessingParameterBoolean("SQUARE", self.tr("Right angles"), _DEFAULTS.square),
            number("HELD_OUT_SHARE", self.tr("Held-out share"), _DOUBLE, _DEFAULTS.held_out_share, False, 0.05, 0.6),
            number("SHIFT_EAST", self.tr("Move the labels east (m)"), _DOUBLE, 0.0, False, -MOST_SHIFT_M, MOST_SHIFT_M),
            number(
                "SHIFT_NORTH", self.tr("Move the labels north (m)"), _DOUBLE, 0.0, False, -MOST_SHIFT_M, MOST_SHIFT_M
            ),
            number("SEED", self.tr("Seed"), _INTEGER, _DEFAULTS.seed, False, 0),
            QgsProcessingParameterString(
                "BLOCK_ROLES", self.tr("Changed blocks, such as 12=held-out,14=left-out"), None, False, True
            ),
            make_device_parameter(self.tr("Device")),
        ):
            parameter.setFlags(parameter.flags() | QgsProcessingParameterDefinition.FlagAdvanced)
            self.addParameter(parameter)

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Look at the layers; called by QGIS on the main thread."""
        super().prepareAlgorithm(parameters, context, feedback)
        try:
            self._inputs = self.read_delivery(parameters, context)
        except TunerError as error:
            refuse(error)
        return True

    def read_delivery(self, parameters: dict[str, Any], context: QgsProcessingContext) -> RunInputs:
        """Let the inputs pass the customs post; raises InputError."""
        source = self.parameterAsSource(parameters, "LABELS", context)
        if source is None:
            raise InputError("The labels cannot be read.", "Choose a polygon layer.")
        labels = take_source(source, "The label layer", [])
        refuse_missing_crs(labels)
        ground = self.parameterAsSource(parameters, "AREAS", context)
        areas = None if ground is None else take_area_source(ground)
        if areas is not None:
            refuse_missing_crs(areas)
        base_model = self.parameterAsString(parameters, "TUNED_MODEL", context)
        base_model = base_model or self.parameterAsString(parameters, "BASE_MODEL", context)
        if base_model.endswith(MODEL_ENDINGS):
            base_model = str(Path(base_model).absolute())
        raster = self.parameterAsRasterLayer(parameters, "RASTER", context)
        bands = read_bands(self.parameterAsString(parameters, BANDS, context))
        settings = self._read_settings(parameters, context)
        changed = self.parameterAsString(parameters, "BLOCK_ROLES", context).split(",")
        block_roles = tuple(entry.strip() for entry in changed if entry.strip())
        return prepare_delivery(raster, labels, areas, base_model, settings, bands, block_roles)

    def _read_settings(self, parameters: dict[str, Any], context: QgsProcessingContext) -> Settings:
        def is_given(name: str) -> bool:
            return parameters.get(name) is not None

        def read_number(name: str) -> float:
            return float(self.parameterAsDouble(parameters, name, context))

        return Settings(
            recipe=self.parameterAsEnumString(parameters, "RECIPE", context),
            epochs=int(read_number("EPOCHS")) if is_given("EPOCHS") else None,
            learning_rate=read_number("LEARNING_RATE") if is_given("LEARNING_RATE") else None,
            batch_size=int(read_number("BATCH_SIZE")) if is_given("BATCH_SIZE") else None,
            samples=int(read_number("SAMPLES")) if is_given("SAMPLES") else None,
            tile_px=int(read_number("TILE_PX")) if is_given("TILE_PX") else None,
            min_area_m2=read_number("MIN_AREA"),
            square=self.parameterAsBoolean(parameters, "SQUARE", context),
            held_out_share=read_number("HELD_OUT_SHARE"),
            seed=int(read_number("SEED")),
            shift_east_m=read_number("SHIFT_EAST"),
            shift_north_m=read_number("SHIFT_NORTH"),
            device=self.parameterAsEnumString(parameters, "DEVICE", context),
        )


def run_delivery(
    inputs: RunInputs,
    folder: RunFolder,
    verb: str,
    adapter: FeedbackAdapter,
    client: WorkerClient,
) -> Finished:
    """Fill a new run's folder and let the worker ``run``, ``check`` or ``split`` it.

    Returns the worker's last event (an empty one where it was cancelled). Raises QgsProcessingException.
    """
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        if any(folder.path.iterdir()):
            raise InputError(f"The folder {folder.path} is not empty.", "Choose a new one: a run never overwrites.")
        for notice in inputs.write_to(folder, adapter.feedback.isCanceled):
            adapter.tell(notice)
    except CopyCancelled:
        return Finished()
    except OSError as error:
        raise QgsProcessingException(f"The folder {folder.path} cannot be written: {error}. Choose another.") from error
    except TunerError as error:
        refuse(error)
    return follow_worker([verb, str(folder.job)], folder.log, adapter, client)


def make_bands_parameter(text: str) -> Any:
    """Return the parameter BANDS: the raster's band for each of the model's, such as "3,2,1"."""
    parameter = QgsProcessingParameterString(BANDS, text, None, False, True)
    parameter.setHelp(
        "The raster's band for each band that the model reads, with commas between; 0 for one that the raster lacks."
        " Empty: by their colours, or as the layer is drawn."
    )
    return parameter


def read_bands(text: str) -> tuple[int, ...]:
    """Return the bands that a text such as "3,2,1" names; raises InputError for another text."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdecimal() for part in parts):
        raise InputError(f'"{text}" names no bands.', "Write their numbers with commas between, such as 3,2,1.")
    return tuple(map(int, parts))


def make_min_area_parameter(text: str, default: float | None, is_optional: bool = False) -> Any:
    """Return the parameter MIN_AREA, in square metres."""
    return QgsProcessingParameterNumber("MIN_AREA", text, _DOUBLE, default, is_optional, 0, 1e6)


def make_device_parameter(text: str) -> Any:
    """Return the parameter DEVICE."""
    return QgsProcessingParameterEnum("DEVICE", text, DEVICES, False, DEVICES[0], True, usesStaticStrings=True)
