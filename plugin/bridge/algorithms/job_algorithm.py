"""The inputs of a job as Processing parameters: what ``finetune`` and ``check`` share."""

from __future__ import annotations

from pathlib import Path

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterFile,
)

from ...core.errors import CopyCancelled, InputError, TunerError
from ...core.events import Finished
from ...core.folder import RunFolder
from ...core.job import Job, Settings
from ...core.option import pick_options
from ..layers.layer_checks import (
    refuse_missing_crs,
    refuse_own_areas,
    refuse_own_labels,
    take_area_source,
    take_source,
)
from ..tuning.run_inputs import RunInputs, prepare_delivery
from ..worker_client.client import WorkerClient
from .feedback import FeedbackAdapter
from .parameters import MODEL_FILES, Values, find_layer
from .worker_algorithm import WorkerAlgorithm, follow_worker, refuse

MODEL_ENDINGS = (".json", ".safetensors")
#: In the order of the dialog.
_BANDS, _ROLES = pick_options(Job, "bands"), pick_options(Job, "block_roles")
_SETTINGS = pick_options(
    Settings,
    *("recipe", "epochs", "learning_rate", "batch_size", "samples", "tile_px", "min_area_m2", "square"),
    *("held_out_share", "shift_east_m", "shift_north_m", "seed"),
)
_DEVICE = pick_options(Settings, "device")


class TuningAlgorithm(WorkerAlgorithm):
    """An algorithm that takes the inputs of a job."""

    _inputs: RunInputs

    def add_job_parameters(self) -> None:
        """Declare the inputs."""
        self.add_options(pick_options(Job, "raster", "labels", "areas", "base_model"))
        tuned = self.tr("Or start from a tuned model")
        self.addParameter(QgsProcessingParameterFile("TUNED_MODEL", tuned, optional=True, fileFilter=MODEL_FILES))
        self.add_options(
            [*_BANDS, *_SETTINGS, *_ROLES, *_DEVICE], note=self.tr("(empty: as the recipe says)"), is_advanced=True
        )

    def prepareAlgorithm(
        self, parameters: Values, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Look at the layers; called by QGIS on the main thread."""
        super().prepareAlgorithm(parameters, context, feedback)
        try:
            self._inputs = self.read_delivery(parameters, context)
        except TunerError as error:
            refuse(error)
        return True

    def read_delivery(self, parameters: Values, context: QgsProcessingContext) -> RunInputs:
        """Let the inputs pass the customs post; raises InputError."""
        source = self.parameterAsSource(parameters, "LABELS", context)
        if source is None:
            raise InputError("The labels cannot be read.", "Choose a polygon layer.")
        for name, refuse_own in (("LABELS", refuse_own_labels), ("AREAS", refuse_own_areas)):
            layer = find_layer(parameters.get(name), context)
            if layer is not None:
                refuse_own(layer)
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
        job = self.read_options([*_BANDS, *_ROLES], parameters, context)
        settings = Settings(**self.read_options([*_SETTINGS, *_DEVICE], parameters, context))
        return prepare_delivery(raster, labels, areas, base_model, settings, job["bands"], job["block_roles"])


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
