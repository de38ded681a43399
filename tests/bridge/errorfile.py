"""An errors.gpkg of a run as the worker writes it, and the rest of a run's folder that the review asks for."""

from __future__ import annotations

import json

from osgeo import ogr, osr

from footprint_tuner.plugin.core.folder import RunFolder

LEFT, TOP = 500000.0, 3000000.0
FIELDS = ("outcome", ogr.OFTString), ("iou", ogr.OFTReal), ("area_m2", ogr.OFTReal), ("confidence", ogr.OFTReal)
#: kind, IoU, area in m2, confidence, and the left, top and side of a square in metres from the raster's corner
TOWN = (
    ("TP", 0.9, 64.0, 0.8, (2, 4, 8)),
    ("TP", 0.6, 36.0, 0.7, (20, 4, 6)),
    ("FP", 0.0, 16.0, 0.6, (12, 20, 4)),
    ("FN", 0.1, 100.0, None, (18, 16, 10)),
)
SCORE = {"building": {"f1": 0.5}}


def write_square(left, top, side):
    x, y = LEFT + left, TOP - top
    return f"POLYGON(({x} {y},{x + side} {y},{x + side} {y - side},{x} {y - side},{x} {y}))"


def write_errors(path, layers, epsg=32645):
    """Write an errors.gpkg of layers {name: rows}; rows are as in TOWN, without an outline where the last is None."""
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(epsg)
    crs.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    path.unlink(missing_ok=True)
    source = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    for name, rows in layers.items():
        made = source.CreateLayer(name, crs, ogr.wkbPolygon)
        for field, kind in FIELDS:
            made.CreateField(ogr.FieldDefn(field, kind))
        made.StartTransaction()
        for *values, square in rows:
            feature = ogr.Feature(made.GetLayerDefn())
            for (field, _), value in zip(FIELDS, values):
                if value is not None:
                    feature.SetField(field, value)
            if square is not None:
                feature.SetGeometry(ogr.CreateGeometryFromWkt(write_square(*square)))
            made.CreateFeature(feature)
        made.CommitTransaction()


def write_run(path, rows=TOWN):
    """Write a finished run's folder, as far as the review looks into it."""
    path.mkdir()
    folder = RunFolder(path)
    write_errors(folder.errors, {"before": rows[:1], "after": rows})
    for other in (folder.split, folder.footprints, folder.base_footprints):
        write_errors(other, {"blocks" if other == folder.split else other.stem: ()})
    folder.card.write_text("{}", encoding="utf-8")
    folder.job.write_text(json.dumps({"raster": "town.tif"}), encoding="utf-8")
    report = {"schema": 2, "before": SCORE, "after": SCORE, "difference": {"sentence": "The same."}}
    folder.report.write_text(json.dumps(report), encoding="utf-8")
    return folder
