"""A finished run's folder as far as the swipe looks into it: footprints, probabilities, labels and ground."""

from __future__ import annotations

import json

from osgeo import gdal, ogr, osr

from footprint_tuner.plugin.core.folder import RunFolder

LEFT, TOP, SIDE = 500000.0, 3000000.0, 32.0
SCORE = {"building": {"f1": 0.5}}
EVERYWHERE = (0, 0, SIDE, SIDE)


def write_box(left, top, right, bottom):
    """Return the WKT of a box, in metres from the raster's upper left corner."""
    xs, ys = (LEFT + left, LEFT + right), (TOP - top, TOP - bottom)
    return f"POLYGON(({xs[0]} {ys[0]},{xs[1]} {ys[0]},{xs[1]} {ys[1]},{xs[0]} {ys[1]},{xs[0]} {ys[0]}))"


def find_crs():
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32645)
    return crs


def write_boxes(path, layer, rows):
    """Write a layer of (box, role) into a GeoPackage, beside the layers that are there."""
    driver = ogr.GetDriverByName("GPKG")
    source = driver.Open(str(path), 1) if path.exists() else driver.CreateDataSource(str(path))
    made = source.CreateLayer(layer, find_crs(), ogr.wkbPolygon)
    made.CreateField(ogr.FieldDefn("role", ogr.OFTString))
    for box, role in rows:
        feature = ogr.Feature(made.GetLayerDefn())
        feature.SetField("role", role)
        feature.SetGeometry(ogr.CreateGeometryFromWkt(write_box(*box)))
        made.CreateFeature(feature)


def write_probability(path, value):
    """Write one probability everywhere, 0 to 254."""
    source = gdal.GetDriverByName("GTiff").Create(str(path), 64, 64, 1, gdal.GDT_Byte)
    source.SetGeoTransform((LEFT, 0.5, 0, TOP, 0, -0.5))
    source.SetProjection(find_crs().ExportToWkt())
    source.GetRasterBand(1).SetNoDataValue(255)
    source.GetRasterBand(1).Fill(value)


def write_run(path, raster):
    """Write a run whose right half is held out; every layer but the errors covers the whole raster."""
    path.mkdir()
    folder = RunFolder(path)
    write_boxes(folder.split, "blocks", [((0, 0, 16, SIDE), "training"), ((16, 0, SIDE, SIDE), "held-out")])
    write_boxes(folder.split, "labels", [((2, 2, 30, 10), "training")])
    write_boxes(folder.footprints, "footprints", [(EVERYWHERE, "")])
    write_boxes(folder.base_footprints, "base_footprints", [((4, 4, 28, 28), "")])
    write_boxes(folder.errors, "after", [])
    write_probability(folder.base_probability, 76)
    write_probability(folder.probability, 254)
    folder.card.write_text("{}", encoding="utf-8")
    folder.job.write_text(json.dumps({"raster": str(raster)}), encoding="utf-8")
    report = {"schema": 2, "before": SCORE, "after": SCORE, "difference": {"sentence": "The same."}}
    folder.report.write_text(json.dumps(report), encoding="utf-8")
    return folder
