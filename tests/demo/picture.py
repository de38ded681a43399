"""The before/after picture of the demo, drawn by QGIS."""

from qgis.core import (
    QgsFillSymbol,
    QgsGeometry,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsRasterLayer,
    QgsRectangle,
    QgsSingleSymbolRenderer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QRectF, QSize, Qt
from qgis.PyQt.QtGui import QColor, QFont, QImage, QPainter

SIDE_PX = 900
BAND_PX = 84
GROUND_M = 330.0
OUTLINES = {
    "labels": {"color": "0,0,0,0", "outline_color": "255,221,51", "outline_width": "0.25"},
    "areas": {"color": "0,0,0,0", "outline_color": "255,255,255", "outline_width": "0.6", "outline_style": "dash"},
    "base": {"color": "230,97,1,70", "outline_color": "253,160,60", "outline_width": "0.5"},
    "tuned": {"color": "0,160,255,70", "outline_color": "64,200,255", "outline_width": "0.5"},
}


def style(layer, name):
    """Draw a layer's polygons in a colour of their own."""
    layer.setRenderer(QgsSingleSymbolRenderer(QgsFillSymbol.createSimple(OUTLINES[name])))
    return layer


def style_sample(labels, areas):
    """Draw labels and areas as outlines, so that the raster stays visible."""
    style(labels, "labels")
    style(areas, "areas")


def draw_before_after(folder, raster_path, report, out):
    """Draw base model and tuned model side by side on held-out ground; returns the ground's extent."""
    raster = QgsRasterLayer(str(raster_path), "raster")
    labels = style(QgsVectorLayer(f"{folder}/split.gpkg|layername=labels", "labels"), "labels")
    labels.setSubsetString("role = 'held-out'")
    extent = find_extent(folder)
    panels = []
    for name, file, score in (("base", "base_footprints", "before"), ("tuned", "footprints", "after")):
        footprints = style(QgsVectorLayer(f"{folder}/{file}.gpkg", name), name)
        panels.append((draw_map([labels, footprints, raster], extent), report[score]))
    compose(panels).save(str(out))
    return extent


def find_extent(folder):
    """Return a square of held-out ground in the middle of it."""
    blocks = QgsVectorLayer(f"{folder}/split.gpkg|layername=blocks", "blocks")
    blocks.setSubsetString("role = 'held-out'")
    ground = QgsGeometry.unaryUnion([feature.geometry() for feature in blocks.getFeatures()])
    middle = ground.boundingBox().center()
    return QgsRectangle.fromCenterAndSize(middle, GROUND_M, GROUND_M)


def draw_map(layers, extent):
    """Return the layers drawn over a square extent."""
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setDestinationCrs(layers[-1].crs())
    settings.setExtent(extent)
    settings.setOutputSize(QSize(SIDE_PX, SIDE_PX))
    settings.setOutputDpi(110)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    return job.renderedImage()


def compose(panels):
    """Return the panels side by side, each under its F1."""
    picture = QImage(2 * SIDE_PX + 12, SIDE_PX + BAND_PX, QImage.Format.Format_RGB32)
    picture.fill(QColor("#20262c"))
    painter = QPainter(picture)
    for i, ((image, score), title) in enumerate(zip(panels, ("Before: base model", "After: tuned model"))):
        left = i * (SIDE_PX + 12)
        painter.drawImage(left, BAND_PX, image)
        painter.setPen(QColor("white"))
        painter.setFont(QFont("sans-serif", 22))
        text = f"{title}   F1 by building {score['building']['f1']:.2f}, by pixel {score['pixel']['f1']:.2f}"
        painter.drawText(QRectF(left + 16, 0, SIDE_PX, BAND_PX), Qt.AlignmentFlag.AlignVCenter, text)
    painter.setFont(QFont("sans-serif", 11))
    credit = "Labels in yellow. Imagery OpenAerialMap, CC BY 4.0; labels OpenStreetMap contributors, ODbL"
    painter.drawText(QRectF(0, BAND_PX + SIDE_PX - 26, 2 * SIDE_PX, 22), Qt.AlignmentFlag.AlignRight, credit)
    painter.end()
    return picture
