"""What an improving run is given: the corrections, and what the earlier run knows of its ground."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import Callable

from qgis.core import QgsFeatureIterator, QgsFeatureRequest, QgsRectangle, QgsVectorLayer

from ...core.errors import InputError, RunError, TunerError
from ...core.events import Notice
from ...core.folder import RunFolder
from ...core.improve import prepare_improvement as make_job
from ...core.job import load_job
from ...core.record import Record, require_reviewable
from ..copy import CopyCancelled, copy_polygons
from ..delivery import Delivery
from ..layers import Polygons, take_areas, take_labels


@dataclass(frozen=True)
class Improvement(Delivery):
    """A delivery whose job improves the model of the run in ``parent``; there may be no footprint on checked ground."""

    parent: RunFolder | None = None

    def write_to(self, folder: RunFolder, is_cancelled: Callable[[], bool]) -> list[Notice]:
        """Fill the new run's folder, the job last; raises InputError, RunError or CopyCancelled, and leaves none."""
        parent, areas = self.parent, self.areas
        if parent is None or areas is None:
            raise RunError("An improving run needs an earlier run and checked ground.", "Start it from the review.")
        try:
            copy_polygons(self.labels, folder.labels, is_cancelled, may_be_empty=True)
            copy_polygons(areas, folder.areas, is_cancelled)
            job = make_job(parent.path, folder.path)
            replace(job, name=folder.path.name).save(folder.job)
        except OSError as error:
            shutil.rmtree(folder.path, ignore_errors=True)
            raise RunError(f"The new run could not be prepared: {error}", "Is the disk full?") from error
        except (TunerError, CopyCancelled):
            shutil.rmtree(folder.path, ignore_errors=True)
            raise
        return list(self.notices)


def prepare_improvement(record: Record, footprints: QgsVectorLayer, checked: QgsVectorLayer) -> Improvement:
    """Return the delivery of a run that improves a run's model by corrections; main thread.

    Both layers count as they stand, with edits that are not saved. Raises InputError with a next step.
    """
    folder = require_reviewable(record.folder.path).folder
    if not folder.model.is_file():
        raise InputError(f"{folder.model.name} is not in the run's folder any more.", "Run the job again.")
    extent = _bound(checked)
    if extent.isEmpty():
        raise InputError("No ground is marked as checked.", "Press Mark checked ground, and draw around it on the map.")
    job = load_job(folder.job)
    corrected = _restrict(take_labels(footprints), extent)
    return Improvement(job, corrected, take_areas(checked), (), folder)


def _bound(checked: QgsVectorLayer) -> QgsRectangle:
    """Return the box around what is checked, edits included: QGIS's own may not know them yet."""
    extent = QgsRectangle()
    for feature in checked.getFeatures():
        extent.combineExtentWith(feature.geometry().boundingBox())
    return extent


def _restrict(polygons: Polygons, extent: QgsRectangle) -> Polygons:
    """Return the polygons that meet an extent in their own coordinate system."""

    def read(request: QgsFeatureRequest) -> QgsFeatureIterator:
        return polygons.read(request.setFilterRect(extent))

    return replace(polygons, read=read)
