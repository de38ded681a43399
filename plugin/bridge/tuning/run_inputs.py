"""What a run is given: a job, and copies of the labels and areas as they are now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable

from qgis.core import QgsRasterLayer

from ....ui.fields.choices import Choices
from ....ui.fields.imagery import choose_bands
from ...core.events import Notice
from ...core.folder import RunFolder
from ...core.job import Job, Settings
from ...core.models import find_card
from ..layers.layer_checks import Polygons, find_raster_notices, locate_raster, take_areas, take_labels
from ..layers.polygon_copy import copy_polygons
from .run_folders import removed_on_failure


@dataclass(frozen=True)
class RunInputs:
    """A job and its polygons, ready to be written to a run's folder by any thread."""

    job: Job
    labels: Polygons
    areas: Polygons | None = None
    notices: tuple[Notice, ...] = ()

    def write_to(self, folder: RunFolder, is_cancelled: Callable[[], bool]) -> list[Notice]:
        """Fill the run's new folder, the job last, and return what is to be told about it.

        Raises InputError, RunError or CopyCancelled, and then leaves no folder behind.
        """
        with removed_on_failure(folder, "The run's inputs could not be copied"):
            notices = [*self.notices, *_copy(self.labels, folder.labels, is_cancelled)]
            if self.areas is not None:
                notices += _copy(self.areas, folder.areas, is_cancelled)
            replace(self.job, name=folder.path.name).save(folder.job)
        return notices


def take_choices(choices: Choices) -> RunInputs:
    """Let what is chosen in the dock pass the customs post; main thread. Raises InputError, leaves nothing behind."""
    labels = take_labels(choices.label_layer, choices.only_selected)
    areas = None if choices.areas_layer is None else take_areas(choices.areas_layer)
    raster, model, settings = choices.raster_layer, choices.base_model, choices.settings
    return prepare_delivery(raster, labels, areas, model, settings, choices.bands, choices.block_roles)


def prepare_delivery(
    raster: QgsRasterLayer | None,
    labels: Polygons,
    areas: Polygons | None,
    base_model: str,
    settings: Settings,
    bands: tuple[int, ...] = (),
    block_roles: tuple[str, ...] = (),
) -> RunInputs:
    """Let the raster pass the customs post and write the job; main thread. Raises InputError, leaves nothing behind.

    ``bands`` are the raster's for each of the model's (empty: those that the layer's colours and drawing say),
    ``block_roles`` the blocks of the split whose role was changed.
    """
    path = locate_raster(raster)
    bands = bands or choose_bands(raster, find_card(base_model))
    job = Job(
        raster=path,
        labels="labels.gpkg",
        labels_layer="labels",
        areas="areas.gpkg" if areas else "",
        areas_layer="areas" if areas else "",
        base_model=base_model,
        bands=bands,
        block_roles=block_roles,
        settings=settings,
    )
    job.check()
    return RunInputs(job, labels, areas, tuple(find_raster_notices(raster)))


def _copy(polygons: Polygons, path: Path, is_cancelled: Callable[[], bool]) -> list[Notice]:
    empty = copy_polygons(polygons, path, is_cancelled)
    if not empty:
        return []
    return [Notice("warning", f"{polygons.name}: {empty} features without a polygon were ignored.")]
