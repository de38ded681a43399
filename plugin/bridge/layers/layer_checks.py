"""The customs post: what a layer must be before a run takes it. Main thread only; a layer is never changed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from osgeo import gdal
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeatureIterator,
    QgsFeatureRequest,
    QgsFeatureSource,
    QgsFields,
    QgsMapLayer,
    QgsProcessingFeatureSource,
    QgsRasterLayer,
    QgsVectorLayer,
    QgsVectorLayerFeatureSource,
    QgsWkbTypes,
)

from ...core.errors import InputError
from ...core.events import Notice
from .own_layers import AREAS, refuse_own

ROLE_FIELD = "role"
_ARCHIVES = {"/vsizip", "/vsigzip", "/vsitar", "/vsi7z", "/vsirar"}
_EXPORT = "Save it as a GeoTIFF (right-click the layer > Export > Save As...) and choose the new layer."


@dataclass(frozen=True)
class Polygons:
    """Polygons that passed the post: ``read`` gives their features and may be called from any thread.

    ``kept`` are the indexes of the fields that are written with them. ``crs`` may be invalid only where the caller
    allowed it.
    """

    name: str
    crs: QgsCoordinateReferenceSystem
    fields: QgsFields
    kept: tuple[int, ...]
    read: Callable[[QgsFeatureRequest], QgsFeatureIterator]


def locate_raster(layer: QgsRasterLayer | None) -> str:
    """Return the absolute path of a raster layer's file (one inside a local archive begins with ``/vsizip/``).

    Raises InputError for a layer that is served, in memory, one of several in a container, not there, unreadable, or
    without a coordinate system.
    """
    if layer is None:
        raise InputError("No raster is chosen.", "Choose a raster layer, or add one (Layer > Add Layer).")
    path = str(layer.source()).partition("|option:")[0]
    name = f'The raster "{layer.name()}"'
    virtual = set(re.findall(r"/vsi\w+", path))
    if layer.providerType() != "gdal" or virtual - _ARCHIVES or "://" in path:
        raise InputError(f"{name} is served from elsewhere or kept in memory: it has no file on this machine.", _EXPORT)
    if gdal.VSIStatL(path) is None:
        if not Path(path).is_absolute():
            raise InputError(f"{name} has no file of its own: it is a part of a container.", _EXPORT)
        raise InputError(
            f"The file of {name[0].lower()}{name[1:]} is not there: {path}.",
            "Was it moved? Right-click the layer > Change Data Source..., and choose it again.",
        )
    if not layer.isValid():
        raise InputError(
            f"{name} cannot be read: {path}.", "Is the file complete? Copy it again, or choose another raster."
        )
    if not layer.dataProvider().crs().isValid():
        raise InputError(
            f"The file of {name[0].lower()}{name[1:]} has no coordinate system.",
            "Write it into the file with Raster > Projections > Assign Projection...",
        )
    return path if virtual else str(Path(path).absolute())  # a relative one (qgis_process) would mean the run's folder


def find_raster_notices(layer: QgsRasterLayer) -> list[Notice]:
    """Return a warning where the layer is shown in another coordinate system than its file names."""
    own, shown = layer.dataProvider().crs(), layer.crs()
    if own == shown:
        return []
    names = f"in {shown.userFriendlyIdentifier()}, but its file says {own.userFriendlyIdentifier()}"
    hint = "If the file is wrong, fix it with Raster > Projections > Assign Projection..."
    return [Notice("warning", f"The raster is shown {names}; the run uses that of the file.", hint)]


def take_labels(layer: QgsVectorLayer | None, only_selected: bool = False) -> Polygons:
    """Return a label layer's polygons, unsaved edits included; raises InputError with a next step."""
    if layer is None:
        raise InputError("No labels are chosen.", "Choose a polygon layer with some buildings drawn in it.")
    refuse_own_labels(layer)
    return _take_layer(layer, f'The label layer "{layer.name()}"', (), only_selected)


def take_areas(layer: QgsVectorLayer) -> Polygons:
    """Return an areas layer's polygons with their role; raises InputError with a next step."""
    name = f'The areas layer "{layer.name()}"'
    refuse_own_areas(layer)
    return _take_layer(layer, name, (_find_role(layer.fields(), name),), False)


def refuse_own_labels(layer: QgsMapLayer) -> None:
    """Raise InputError for labels that the plugin made: a model would learn from itself, and be scored by itself."""
    refuse_own(layer, f'The label layer "{layer.name()}"')


def refuse_own_areas(layer: QgsMapLayer) -> None:
    """Raise InputError for areas that the plugin made, but for those that were drawn with it."""
    refuse_own(layer, f'The areas layer "{layer.name()}"', AREAS)


def take_corrected(layer: QgsVectorLayer) -> Polygons:
    """Return corrected footprints, unsaved edits included; there may be none. Raises InputError with a next step."""
    return _take_layer(layer, f'The layer of corrected footprints "{layer.name()}"', (), False, may_be_empty=True)


def take_checked(layer: QgsVectorLayer) -> Polygons:
    """Return checked ground, unsaved edits included, with its role where it has one; there may be none.

    Raises InputError with a next step.
    """
    role = layer.fields().lookupField(ROLE_FIELD)
    name = f'The layer of checked areas "{layer.name()}"'
    return _take_layer(layer, name, () if role < 0 else (role,), False, may_be_empty=True)


def take_ground(layer: QgsVectorLayer) -> Polygons:
    """Return the selected polygons of a layer, or all where none is selected; raises InputError with a next step."""
    return _take_layer(layer, f'The layer "{layer.name()}"', (), layer.selectedFeatureCount() > 0)


def take_source(source: QgsProcessingFeatureSource, what: str, fields: list[str]) -> Polygons:
    """Return the polygons of a Processing parameter, with the named fields; a missing coordinate system is allowed."""
    name = f'{what} "{source.sourceName()}"'
    _refuse_non_polygons(source.wkbType(), name)
    kept = tuple(_find_field(source.fields(), field, name) for field in fields)

    def read(request: QgsFeatureRequest) -> QgsFeatureIterator:
        # invalid polygons are repaired, counted and reported by the worker
        return source.getFeatures(request, QgsProcessingFeatureSource.FlagSkipGeometryValidityChecks)

    return Polygons(name, source.sourceCrs(), source.fields(), kept, read)


def take_area_source(source: QgsProcessingFeatureSource) -> Polygons:
    """Return the areas of a Processing parameter with their role; raises InputError with a next step."""
    field = source.fields()[_find_role(source.fields(), f'The areas layer "{source.sourceName()}"')].name()
    return take_source(source, "The areas layer", [field])


def take_checked_source(source: QgsProcessingFeatureSource) -> Polygons:
    """Return the checked ground of a Processing parameter, with its role where it has one; raises InputError."""
    role = source.fields().lookupField(ROLE_FIELD)
    return take_source(source, "The layer of checked areas", [] if role < 0 else [source.fields()[role].name()])


def refuse_missing_crs(polygons: Polygons) -> None:
    """Raise InputError for polygons without a coordinate system."""
    if not polygons.crs.isValid():
        raise InputError(
            f"{polygons.name} has no coordinate system.", "Set it (Layer > Set CRS of Layer(s)...) and try again."
        )


def _take_layer(
    layer: QgsVectorLayer, name: str, kept: tuple[int, ...], only_selected: bool, may_be_empty: bool = False
) -> Polygons:
    if not layer.isValid():
        raise InputError(f"{name} cannot be read.", "Repair its data source (right-click > Change Data Source...).")
    _refuse_non_polygons(layer.wkbType(), name)
    selected = layer.selectedFeatureIds() if only_selected else []
    if only_selected and not selected:
        raise InputError(f"Nothing is selected in {name[0].lower()}{name[1:]}.", "Select labels, or untick the box.")
    if layer.featureCount() == 0 and not may_be_empty:
        raise InputError(f"{name} is empty.", "Draw some building polygons first, or choose another layer.")
    source: QgsFeatureSource = QgsVectorLayerFeatureSource(layer)

    def read(request: QgsFeatureRequest) -> QgsFeatureIterator:
        return source.getFeatures(request.setFilterFids(selected) if only_selected else request)

    polygons = Polygons(name, layer.crs(), layer.fields(), kept, read)
    refuse_missing_crs(polygons)
    return polygons


def _refuse_non_polygons(wkb_type: QgsWkbTypes.Type, name: str) -> None:
    if QgsWkbTypes.geometryType(wkb_type) != QgsWkbTypes.PolygonGeometry:
        raise InputError(f"{name} holds no polygons.", "Choose a polygon layer: lines and points have no area.")


def _find_role(fields: QgsFields, name: str) -> int:
    index = int(fields.lookupField(ROLE_FIELD))
    if index < 0:
        raise InputError(
            f'{name} has no field "{ROLE_FIELD}".',
            'Add a text field "role" and write "training" or "held-out" into it for each area.',
        )
    return index


def _find_field(fields: QgsFields, field: str, name: str) -> int:
    index = int(fields.lookupField(field))
    if index < 0:
        raise InputError(f'{name} has no field "{field}".', "Fields: " + ", ".join(fields.names()) + ".")
    return index
