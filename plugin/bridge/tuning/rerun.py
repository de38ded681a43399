"""A run once more: the same job with copies of its inputs, or its choices in the form."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable

from osgeo import gdal
from qgis.core import QgsMapLayer, QgsProject, QgsRasterLayer, QgsVectorLayer

from ....ui.dock import TunerDock
from ...core.errors import CopyCancelled, InputError
from ...core.events import Notice
from ...core.folder import RunFolder
from ...core.job import Job, load_job
from ...core.models import find_card
from ..layers.results import find_group, locate_file
from .run_folders import removed_on_failure

_AGAIN = "Use Repeat with changes..., and choose it again."


@dataclass(frozen=True)
class Rerun:
    """A job and the run that it was done in before, ready to be written to a new run's folder by any thread."""

    job: Job
    before: RunFolder

    def write_to(self, folder: RunFolder, is_cancelled: Callable[[], bool]) -> list[Notice]:
        """Fill the run's new folder with copies, the job last; raises RunError or CopyCancelled, and leaves nothing."""
        with removed_on_failure(folder, "The run's inputs could not be copied"):
            job = self._copy_inputs(folder, is_cancelled)
            replace(job, name=folder.path.name).save(folder.job)
        return []

    def _copy_inputs(self, folder: RunFolder, is_cancelled: Callable[[], bool]) -> Job:
        """Copy what lies in the run itself, and return the job that names the copies."""
        job, here = self.job, self.before.path
        given = [path for path in (job.labels, job.areas, job.earlier) if path and Path(path).parent == here]
        own = {path: Path(path).name for path in given}
        beside = [path.name for path in (self.before.earlier_report, self.before.corrections) if path.is_file()]
        for name in (*own.values(), *beside):
            if is_cancelled():
                raise CopyCancelled
            shutil.copy2(here / name, folder.path / name)
        labels, areas, earlier = (own.get(path, path) for path in (job.labels, job.areas, job.earlier))
        return replace(job, labels=labels, areas=areas, earlier=earlier)


def take_repetition(path: Path) -> Rerun:
    """Return what repeats the run in a folder; raises InputError where its raster, labels or base model are gone."""
    folder = RunFolder(path.resolve())
    job = load_job(folder.job)
    for what, given in (("raster", job.raster), ("labels", job.labels), ("areas", job.areas), ("split", job.earlier)):
        if given and gdal.VSIStatL(given) is None:
            raise InputError(f"The {what} of {path.name} cannot be found: {given}.", _AGAIN)
    find_card(job.base_model)
    return Rerun(job, folder)


def fill_form(path: Path, dock: TunerDock, project: QgsProject) -> list[str]:
    """Fill the dock's form with what a run was made of; its layers come into the project where they are not there.

    The run's own labels and areas are loaded for reading only, for they tell what the run learnt. Returns a sentence
    for each choice that the form could not take over. Raises InputError for a run without a readable job.
    """
    folder = RunFolder(path)
    job, form, missed = load_job(folder.job), dock.formPage, []
    raster = _show_raster(job.raster, project)
    labels = _show_polygons(folder, job.labels, job.labels_layer, project)
    areas = _show_polygons(folder, job.areas, job.areas_layer, project)
    form.modelPicker.open_model(job.base_model) if job.base_model.endswith((".json", ".safetensors")) else (
        form.modelPicker.choose(job.base_model)
    )
    for layer, given, combo in (
        (raster, job.raster, form.rasterCombo),
        (labels, job.labels, form.labelCombo),
        (areas, job.areas, form.settingsGroup.areasCombo),
    ):
        combo.setLayer(layer)
        if layer is None and given:
            missed.append(f"{given} cannot be read.")
    form.selectedCheck.setChecked(False)
    form.settingsGroup.show_settings(job.settings)
    dock.shiftLine.show_shift(job.settings.shift_east_m, job.settings.shift_north_m)
    if job.bands and job.bands != form.bandsRow.bands:
        form.bandsRow.keep(job.bands)
    if job.block_roles:
        missed.append("Changed roles of blocks are not copied: show the split and change them again.")
    if job.parent:
        missed.append(f"It improved the model of {Path(job.parent).name}; a run that you start from here does not.")
    return missed


def _show_raster(path: str, project: QgsProject) -> QgsMapLayer | None:
    for layer in project.mapLayers().values():
        if isinstance(layer, QgsRasterLayer) and locate_file(layer) == Path(path).resolve():
            return layer
    layer = QgsRasterLayer(path, Path(path).stem)
    return project.addMapLayer(layer) if layer.isValid() else None


def _show_polygons(folder: RunFolder, path: str, name: str, project: QgsProject) -> QgsMapLayer | None:
    if not path or not Path(path).is_file():
        return None
    source = f"{Path(path).as_posix()}|layername={name}" if name else Path(path).as_posix()
    for layer in project.mapLayers().values():
        if layer.source() == source:
            return layer
    layer = QgsVectorLayer(source, f"{Path(path).stem} of {folder.path.name}", "ogr")
    if not layer.isValid():
        return None
    layer.setReadOnly(True)
    project.addMapLayer(layer, False)
    find_group(folder, project).addLayer(layer)
    return layer
