"""What an improving run is given: the corrections, and what the earlier run knows of its ground."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Callable, Mapping

from qgis.core import QgsFeatureIterator, QgsFeatureRequest, QgsGeometry

from ....core.correction_job import find_raster
from ....core.correction_job import prepare_improvement as make_job
from ....core.errors import InputError, RunError
from ....core.events import Notice
from ....core.folder import RunFolder
from ....core.job import load_job
from ....core.run_record import require_reviewable
from ...layers.layer_checks import Polygons
from ...layers.polygon_copy import copy_polygons
from ...tuning.run_folders import removed_on_failure
from ...tuning.run_inputs import RunInputs
from .checked_areas import move_geometry, require_learnable


@dataclass(frozen=True)
class Improvement(RunInputs):
    """A delivery whose job improves the model of the run in ``parent``; there may be no footprint on checked ground.

    ``wishes`` are settings of the job that hold instead of the earlier run's.
    """

    parent: RunFolder | None = None
    wishes: Mapping[str, object] = field(default_factory=dict)

    def write_to(self, folder: RunFolder, is_cancelled: Callable[[], bool]) -> list[Notice]:
        """Fill the new run's folder, the job last; raises InputError, RunError or CopyCancelled, and leaves none."""
        parent, areas = self.parent, self.areas
        if parent is None or areas is None:
            raise RunError("An improving run needs an earlier run and a checked area.", "Start it from the review.")
        with removed_on_failure(folder, "The new run could not be prepared"):
            copy_polygons(self.labels, folder.labels, is_cancelled, may_be_empty=True)
            copy_polygons(areas, folder.areas, is_cancelled)
            job = make_job(parent.path, folder.path, **self.wishes)
            replace(job, name=folder.path.name).save(folder.job)
        return list(self.notices)


def prepare_improvement(folder: RunFolder, corrected: Polygons, checked: Polygons, **wishes: Any) -> Improvement:
    """Return the delivery of a run that improves a run's model by corrections; main thread.

    ``wishes`` are settings such as ``epochs``. Raises InputError with a next step.
    """
    record = require_reviewable(folder.path)
    if not folder.model.is_file():
        raise InputError(f"{folder.model.name} is no longer in the run's folder.", "Run the job again.")
    ground = require_learnable(checked, folder)
    job = replace(load_job(folder.job), raster=find_raster(record))
    nearby = _restrict(corrected, move_geometry(ground, checked.crs, corrected.crs))
    return Improvement(job, nearby, checked, (), folder, wishes)


def _restrict(polygons: Polygons, ground: QgsGeometry) -> Polygons:
    """Return the polygons that may meet some ground, which is in their own coordinate system."""
    extent = ground.boundingBox()

    def read(request: QgsFeatureRequest) -> QgsFeatureIterator:
        return polygons.read(request.setFilterRect(extent))

    return replace(polygons, read=read)
