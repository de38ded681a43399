"""Copies of polygons, as they are at this moment, into a run's folder. Any thread."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Iterator

from osgeo import ogr
from qgis.core import (
    QgsCoordinateTransformContext,
    QgsFeature,
    QgsFeatureRequest,
    QgsFeatureSink,
    QgsFields,
    QgsGeometry,
    QgsVectorFileWriter,
    QgsWkbTypes,
)

from ...core.atomic_file import replacing
from ...core.errors import CopyCancelled, InputError
from .layer_checks import Polygons


def copy_polygons(polygons: Polygons, path: Path, is_cancelled: Callable[[], bool], may_be_empty: bool = False) -> int:
    """Write polygons as a GeoPackage with one layer named after the file, by a temporary name.

    Geometries become two-dimensional multipolygons with straight edges; fields that are not kept are left out. Returns
    how many features without a polygon were passed over. Raises InputError where there is nothing to write and that is
    not allowed, RunError where the file cannot be written, CopyCancelled.
    """
    with replacing(path) as partial:
        written, empty = _write(polygons, partial, path.stem, is_cancelled)
        if not written and not may_be_empty:
            raise InputError(
                f"{polygons.name} is empty.", "Draw some building polygons first, or choose another layer."
            )
        _refuse_unfinished(partial, written)
    return empty


def straighten(geometry: QgsGeometry) -> QgsGeometry:
    """Return a geometry's polygons as one two-dimensional multipolygon without curves (null or empty: none)."""
    surfaces = QgsGeometry(geometry)
    if QgsWkbTypes.flatType(surfaces.wkbType()) == QgsWkbTypes.GeometryCollection:
        surfaces.convertGeometryCollectionToSubclass(QgsWkbTypes.PolygonGeometry)
    straight = surfaces.coerceToType(QgsWkbTypes.MultiPolygon)
    is_polygon = len(straight) == 1 and straight[0].wkbType() == QgsWkbTypes.MultiPolygon
    return straight[0] if is_polygon else QgsGeometry()


def _write(polygons: Polygons, path: Path, layer: str, is_cancelled: Callable[[], bool]) -> tuple[int, int]:
    writer = _open_writer(polygons, path, layer)
    written = empty = 0
    try:
        for feature in _read(polygons):
            if is_cancelled():
                raise CopyCancelled
            if feature is None:
                empty += 1
            elif writer.addFeature(feature, QgsFeatureSink.Flag.FastInsert):
                written += 1
            else:
                raise OSError(writer.errorMessage())
    finally:
        del writer  # which closes the file
    return written, empty


def _read(polygons: Polygons) -> Iterator[QgsFeature | None]:
    """Yield the features to write, None for one without a polygon."""
    request = QgsFeatureRequest().setSubsetOfAttributes(list(polygons.kept))
    for feature in polygons.read(request):
        geometry = straighten(feature.geometry())
        copy = QgsFeature()
        copy.setGeometry(geometry)
        copy.setAttributes([feature.attribute(index) for index in polygons.kept])
        yield None if geometry.isNull() or geometry.isEmpty() else copy


def _open_writer(polygons: Polygons, path: Path, layer: str) -> QgsVectorFileWriter:
    fields = QgsFields()
    for index in polygons.kept:
        fields.append(polygons.fields[index])
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    options.layerName = layer
    options.layerOptions = ["SPATIAL_INDEX=NO"]  # it is read once, from end to end
    kind, context = QgsWkbTypes.MultiPolygon, QgsCoordinateTransformContext()
    writer = QgsVectorFileWriter.create(str(path), fields, kind, polygons.crs, context, options)
    if writer.hasError() != QgsVectorFileWriter.WriterError.NoError:
        raise OSError(writer.errorMessage())
    return writer


def _refuse_unfinished(path: Path, written: int) -> None:
    """Raise OSError where a full disk cut the file off: closing it reports nothing."""
    source = ogr.Open(str(path))
    found = source.GetLayer(0).GetFeatureCount() if source is not None and source.GetLayerCount() else 0
    if found != written:
        raise OSError(f"only {found} of {written} features were written")
