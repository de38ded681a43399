"""A finished run of the sample, repeated side by side until it is as large as asked: for timing, not for scores.

``python enlarge.py RUN_FOLDER OUT_FOLDER SIDE_PX``, with QGIS's Python. Every raster and every layer of the run is
repeated; the copy's report says the same as the run's.
"""

import json
import math
import shutil
import sys
from pathlib import Path

from osgeo import gdal, ogr

gdal.UseExceptions()
ogr.UseExceptions()
OPTIONS = ["TILED=YES", "COMPRESS=DEFLATE", "ZLEVEL=1", "BIGTIFF=YES", "NUM_THREADS=ALL_CPUS"]
OVERVIEWS = [2, 4, 8, 16, 32, 64]
KEPT = ("model.json", "model.safetensors", "report.html", "state.json")


def count_copies(raster, side_px):
    """Return how many copies side by side, and one below the other, make a raster of at least side_px."""
    source = gdal.Open(str(raster))
    return math.ceil(side_px / source.RasterXSize), math.ceil(side_px / source.RasterYSize)


def repeat_raster(source, target, copies):
    """Write a raster that shows another one again and again, with overviews."""
    across, down = copies
    image = gdal.Open(str(source))
    width, height, count = image.RasterXSize, image.RasterYSize, image.RasterCount
    mosaic = gdal.GetDriverByName("VRT").Create("", across * width, down * height, count)
    mosaic.SetGeoTransform(image.GetGeoTransform())
    mosaic.SetProjection(image.GetProjection())
    for number in range(1, count + 1):
        band, own = mosaic.GetRasterBand(number), image.GetRasterBand(number)
        if own.GetNoDataValue() is not None:
            band.SetNoDataValue(own.GetNoDataValue())
        band.SetColorInterpretation(own.GetColorInterpretation())
        sources = {}
        for place in range(across * down):
            left, top = place % across * width, place // across * height
            sources[f"source_{place}"] = (
                f'<SimpleSource><SourceFilename relativeToVRT="0">{source}</SourceFilename>'
                f'<SourceBand>{number}</SourceBand><SrcRect xOff="0" yOff="0" xSize="{width}" ySize="{height}"/>'
                f'<DstRect xOff="{left}" yOff="{top}" xSize="{width}" ySize="{height}"/></SimpleSource>'
            )
        band.SetMetadata(sources, "new_vrt_sources")
    written = gdal.Translate(str(target), mosaic, creationOptions=OPTIONS)
    del written
    written = gdal.Open(str(target), gdal.GA_Update)
    gdal.SetConfigOption("COMPRESS_OVERVIEW", "DEFLATE")
    written.BuildOverviews("AVERAGE", OVERVIEWS)


def repeat_layers(source, target, copies, step):
    """Write a GeoPackage whose layers hold those of another one again and again, ``step`` apart (map units)."""
    across, down = copies
    gdal.VectorTranslate(str(target), str(source), format="GPKG")  # fields and coordinate systems
    written, read = ogr.Open(str(target), 1), ogr.Open(str(source))
    for number in range(read.GetLayerCount()):
        layer, out = read.GetLayer(number), written.GetLayer(number)
        features = [feature.Clone() for feature in layer]
        written.StartTransaction()
        for place in range(1, across * down):
            east, south = place % across * step[0], place // across * step[1]
            for feature in features:
                copy = feature.Clone()
                copy.SetFID(-1)
                copy.SetGeometry(move(feature.GetGeometryRef(), east, -south))
                out.CreateFeature(copy)
        written.CommitTransaction()


def move(geometry, east, north):
    """Return a polygon or multipolygon somewhere else."""
    moved = geometry.Clone()
    for part in [moved] if moved.GetGeometryType() == ogr.wkbPolygon else list(moved):
        for ring in part:
            for index, (x, y, *_) in enumerate(ring.GetPoints()):
                ring.SetPoint_2D(index, x + east, y + north)
    return moved


def enlarge(run, out, side_px):
    """Write the repeated run, its raster within."""
    out.mkdir(parents=True)
    job, report = (json.loads((run / name).read_text("utf-8")) for name in ("job.json", "report.json"))
    source = gdal.Open(job["raster"])
    transform = source.GetGeoTransform()
    step = (source.RasterXSize * transform[1], source.RasterYSize * -transform[5])
    copies = count_copies(job["raster"], side_px)
    for path in (Path(job["raster"]), run / "probability.tif", run / "base_probability.tif"):
        repeat_raster(path, out / path.name, copies)
    for path in sorted(run.glob("*.gpkg")):
        repeat_layers(path, out / path.name, copies, step)
    for name in KEPT:
        shutil.copy(run / name, out / name)
    raster = str(out / Path(job["raster"]).name)
    (out / "job.json").write_text(json.dumps({**job, "raster": raster, "name": out.name}), "utf-8")
    report["raster"]["path"] = raster
    (out / "report.json").write_text(json.dumps(report), "utf-8")
    made = gdal.Open(raster)
    print(f"{out}: {made.RasterXSize} x {made.RasterYSize} pixels, {copies[0]} x {copies[1]} copies")


if __name__ == "__main__":
    enlarge(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), int(sys.argv[3]))
