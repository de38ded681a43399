"""The layers of each sight of a run: the plugin's own, in no project and no layer tree. Main thread only."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Mapping

from osgeo import gdal
from qgis.core import QgsMapLayer, QgsMapLayerStyle, QgsProject, QgsRasterLayer, QgsVectorLayer
from qgis.PyQt.QtCore import QCoreApplication

from .....ui.review.swipe import Sight
from ....core.block_roles import HELD_OUT, VALIDATION
from ....core.correction_job import find_raster
from ....core.errors import InputError, RunError
from ....core.run_record import RunRecord
from ...layers.results import apply_style, locate_file

_BACKDROP = "backdrop"


@dataclass(frozen=True)
class Layers:
    """Layers, topmost first, and what they are called on the map. One that is the same object shows the same."""

    layers: tuple[QgsMapLayer, ...]
    name: str = ""


@dataclass(frozen=True)
class _Source:
    path: Path
    style: str
    part: str = ""
    ground: tuple[str, ...] = ()


class SwipeLayers:
    """Makes the layers of a run's sights, and keeps them until their file is another one."""

    def __init__(self, record: RunRecord, names: Mapping[Sight, str]) -> None:
        """Open nothing yet; ``names`` are what the sights are called."""
        self._record, self._names = record, names
        self._kept: dict[str, tuple[Any, Layers]] = {}
        folder = record.folder
        self._sources = {
            Sight.BASE_FOOTPRINTS: _Source(folder.base_footprints, "base_footprints", ground=(HELD_OUT,)),
            Sight.FOOTPRINTS: _Source(folder.footprints, "footprints"),
            Sight.BASE_PROBABILITY: _Source(folder.base_probability, "probability", ground=(VALIDATION, HELD_OUT)),
            Sight.PROBABILITY: _Source(folder.probability, "probability"),
            Sight.LABELS: _Source(folder.split, "labels", "|layername=labels"),
        }

    @property
    def raster(self) -> str:
        """The path of the run's raster, absolute, or one inside an archive as GDAL names it; there or not."""
        text = self._record.raster
        with contextlib.suppress(InputError):
            text = find_raster(self._record)  # of a folder as SpaceNet releases it, the raster that was made of it
        return text if text.startswith("/vsi") else (self._record.folder.path / text).as_posix()

    def find_missing(self) -> dict[Sight, str]:
        """Return why a sight cannot be shown, for those that cannot."""
        missing = {}
        for sight, source in self._sources.items():
            if not source.path.is_file():
                text = _tr("{} is no longer in the run's folder: run the job again to make it.")
                missing[sight] = text.format(source.path.name)
        if not self._has_imagery():
            missing[Sight.IMAGERY] = self.describe_no_imagery()
        return missing

    def describe_no_imagery(self) -> str:
        """Say that the raster cannot be shown, and what is shown in its place."""
        text = _tr(
            "The run's raster {} cannot be opened: footprints and labels are shown without imagery. Was it moved?"
        )
        return text.format(self.raster)

    def read(self, sight: Sight) -> Layers:
        """Return a sight's layers without the imagery beneath them; raises RunError with a next step."""
        if sight is Sight.IMAGERY:
            return self._keep(sight.value, "", lambda: Layers((), self._names[sight]))
        source = self._sources[sight]
        try:
            stamp = _stamp(source.path)
        except OSError as error:
            message = _tr("{} is missing.").format(source.path)
            raise RunError(message, _tr("Put the run's folder back, or choose another run.")) from error
        return self._keep(sight.value, stamp, lambda: self._make(sight, source))

    def read_imagery(self) -> Layers:
        """Return the raster as the project shows it, where it does, else as QGIS would; none where it is gone."""
        shown = self._find_shown()
        if shown is not None:
            style = QgsMapLayerStyle()
            style.readFromLayer(shown)
            return self._keep(_BACKDROP, (shown.id(), style.xmlData()), lambda: Layers((shown.clone(),)))
        return self._keep(_BACKDROP, self._has_imagery(), self._open_imagery)

    def is_of_run(self, layer: QgsMapLayer) -> bool:
        """Tell whether a layer shows the run's raster, or a file of its folder."""
        path = locate_file(layer)
        if path is None:
            return False
        return path == Path(self.raster).resolve() or self._record.folder.path.resolve() in path.parents

    def _keep(self, what: str, stamp: Any, make: Callable[[], Layers]) -> Layers:
        if what not in self._kept or self._kept[what][0] != stamp:
            self._kept[what] = (stamp, make())
        return self._kept[what][1]

    def _make(self, sight: Sight, source: _Source) -> Layers:
        name = self._names[sight]
        text = f"{source.path.as_posix()}{source.part}"
        is_raster = source.style == "probability"
        layer = QgsRasterLayer(text, name) if is_raster else QgsVectorLayer(text, name, "ogr")
        if not layer.isValid():
            message = _tr("{} cannot be read.").format(source.path)
            raise RunError(message, _tr("Choose another view, or run the job again."))
        apply_style(layer, source.style)
        if not source.ground:
            return Layers((layer,), name)
        veil = self._make_veil(source.ground)
        return Layers((layer, veil), _tr("{}\nhatched: no result").format(name))

    def _make_veil(self, roles: tuple[str, ...]) -> QgsVectorLayer:
        """Return a layer that hatches all ground but that of some roles, where there is no result to be seen."""
        veil = QgsVectorLayer(f"{self._record.folder.split.as_posix()}|layername=blocks", "veil", "ogr")
        veil.setSubsetString(" OR ".join(f"\"role\" = '{role}'" for role in roles))
        apply_style(veil, "veil")
        return veil

    def _has_imagery(self) -> bool:
        return gdal.VSIStatL(self.raster) is not None and not Path(self.raster).is_dir()

    def _open_imagery(self) -> Layers:
        layer = QgsRasterLayer(self.raster, "raster")
        return Layers((layer,) if layer.isValid() else ())

    def _find_shown(self) -> QgsRasterLayer | None:
        """Return the topmost layer of the run's raster in the project."""
        for node in QgsProject.instance().layerTreeRoot().findLayers():
            layer = node.layer()
            if (
                isinstance(layer, QgsRasterLayer)
                and layer.isValid()
                and locate_file(layer) == Path(self.raster).resolve()
            ):
                return layer
        return None


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _tr(text: str) -> str:
    return QCoreApplication.translate("SwipeLayers", text)
