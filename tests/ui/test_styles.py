"""The layers' styles: QGIS loads them, their legends name what they show, and they can be seen over a raster."""

import re

import pytest
from qgis.core import (
    QgsExpression,
    QgsExpressionContext,
    QgsFeature,
    QgsGeometry,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor, QIcon

OUTCOMES = ("FN", "FP", "TP", "FN", "FP")
ROLES = ("training", "validation", "held-out", "buffer", "left-out")
USED = ["Training area", "Validation area", "Held-out area: only scored", "Buffer: not used"]
LEGENDS = {
    "footprints": [""],
    "base_footprints": [""],
    "labels": [""],
    "held_out": [""],
    "corrections": [""],
    "checked": [""],
    "areas": ["Training area", "Held-out area: only scored"],
    "blocks": [*USED, "Left out: not used"],
    "errors": ["Missed", "Extra: matches no building", "Found"],
    "split": [*USED, "Left out: not used"],
}


@pytest.fixture
def style(root, project):
    """Return a function that gives a layer with one square for each role, in a style of the plugin's."""

    def make(name):
        fields = "field=role:string&field=outcome:string&field=iou:double&field=area_m2:double&field=confidence:double"
        layer = QgsVectorLayer(f"Polygon?crs=EPSG:3857&{fields}", name, "memory")
        for index, role in enumerate(ROLES):
            feature = QgsFeature(layer.fields())
            feature["role"], feature["outcome"] = role, OUTCOMES[index]
            feature["area_m2"], feature["iou"] = 1234.5, 0.256 if index else None
            feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(index * 20, 0, index * 20 + 16, 16)))
            layer.dataProvider().addFeatures([feature])
        said, is_loaded = layer.loadNamedStyle(str(root / "resources" / "styles" / f"{name}.qml"))
        assert is_loaded, said
        return layer

    return make


def draw(layer, ground):
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(layer.crs())
    settings.setExtent(QgsRectangle(-2, -2, 78, 18))
    settings.setOutputSize(QSize(400, 100))
    settings.setBackgroundColor(QColor(ground))
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    return job.renderedImage()


def measure_difference(image, ground, x, y):
    colour, other = image.pixelColor(x, y), QColor(ground)
    return max(abs(colour.red() - other.red()), abs(colour.green() - other.green()), abs(colour.blue() - other.blue()))


@pytest.mark.parametrize("name", LEGENDS)
def test_the_legend_names_what_a_style_shows(style, name):
    layer = style(name)
    assert [item.label() for item in layer.renderer().legendSymbolItems()] == LEGENDS[name]


@pytest.mark.parametrize("name", LEGENDS)
@pytest.mark.parametrize("ground", ["#202a18", "#8a7f6e", "#f0f0f0"])
def test_outlines_can_be_seen_on_dark_middling_and_bright_ground(style, name, ground):
    image = draw(style(name), ground)
    edge = range(4, 17)  # the first square's left edge lies at pixel 10
    assert max(measure_difference(image, ground, x, y) for x in edge for y in range(30, 70)) > 60


@pytest.mark.parametrize(
    "name", ["footprints", "base_footprints", "labels", "corrections", "checked", "blocks", "split", "areas"]
)
def test_the_raster_shines_through_what_is_filled(style, name):
    dark, bright = (draw(style(name), ground).pixelColor(50, 50).lightness() for ground in ("#000000", "#ffffff"))
    assert bright - dark > 120


def see_edges(image):
    """Return the colours and the share of the dark along the left edges of the first three squares."""
    seen = []
    for start in (10, 110, 210):
        colours = [image.pixelColor(start, y) for y in range(14, 87)]
        bright = max(colours, key=lambda colour: colour.lightness())
        seen.append((bright, sum(colour.lightness() < 60 for colour in colours) / len(colours)))
    return seen


def measure_width(image, ground, start):
    """Return how many pixels wide a left edge is at its widest."""
    across = range(start - 8, start + 9)
    return max(sum(measure_difference(image, ground, x, y) > 60 for x in across) for y in range(30, 70))


@pytest.mark.parametrize("ground", ["#202a18", "#8a7f6e", "#f0f0f0"])
def test_errors_stand_out_from_what_was_found_and_from_each_other_also_to_who_sees_no_red_and_green(style, ground):
    image = draw(style("errors"), ground)
    (missed, gaps), (extra, no_gaps), (found, _) = see_edges(image)
    assert gaps > 0.15 > no_gaps
    assert abs(missed.blue() - extra.blue()) > 100
    assert min(missed.hsvSaturation(), extra.hsvSaturation()) > found.hsvSaturation() + 60
    widths = [measure_width(image, ground, start) for start in (10, 110, 210)]
    assert min(widths[:2]) > widths[2]


def test_the_map_tip_of_an_error_tells_kind_area_iou_and_confidence_as_far_as_they_are_known(style):
    layer = style("errors")
    tips = []
    for feature in layer.getFeatures():
        context = QgsExpressionContext()
        context.setFeature(feature)
        tips.append(QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context))
    assert "Missed" in tips[0]
    assert "IoU" not in tips[0]
    for part in ("Extra: matches no building", "IoU 0.26", "m²"):
        assert part in tips[1]
    assert "Confidence" not in tips[1]


def test_held_out_ground_alone_is_an_outline(style):
    assert draw(style("held_out"), "#8a7f6e").pixelColor(50, 50) == QColor("#8a7f6e")


def test_the_tuned_and_the_base_models_footprints_and_the_labels_differ_in_colour(style):
    names = ("footprints", "base_footprints", "labels")
    hues = sorted(draw(style(name), "#808080").pixelColor(50, 50).hue() for name in names)
    assert min(hues[1] - hues[0], hues[2] - hues[1], hues[0] + 360 - hues[2]) > 60


def test_a_veil_lies_around_its_polygons_and_not_on_them(style):
    veil = style("veil")
    veil.setSubsetString("role = 'training'")
    image = draw(veil, "#8a7f6e")
    assert image.pixelColor(50, 50) == QColor("#8a7f6e")
    assert measure_difference(image, "#8a7f6e", 250, 50) > 20


def test_every_role_of_the_split_looks_different_also_to_who_sees_no_red_and_green(style):
    """To deuteranopes red and green are one: only how yellow or blue, how light, and the hatching are left."""
    image = draw(style("split"), "#8a7f6e")
    seen = []
    for index in range(4):
        colours = [image.pixelColor(10 + 100 * index + x, y) for x in range(20, 60) for y in range(30, 70)]
        mixed = [(0.63 * c.red() + 0.37 * c.green(), c.blue()) for c in colours]
        means = [sum(channel) / len(mixed) for channel in zip(*mixed)]
        spread = max(value for value, _ in mixed) - min(value for value, _ in mixed)
        seen.append((*means, spread))
    for index, one in enumerate(seen):
        for other in seen[index + 1 :]:
            assert max(abs(a - b) for a, b in zip(one, other)) > 20


def test_styles_name_no_path_of_a_machine(root):
    for path in (root / "resources" / "styles").glob("*.qml"):
        assert not re.search(r"/(tmp|home|work|usr|root)/", path.read_text(encoding="utf-8")), path.name


@pytest.mark.parametrize("size", [16, 24, 64])
def test_the_icon_is_drawn_at_any_size(root, size):
    image = QIcon(str(root / "resources" / "icon.svg")).pixmap(size, size).toImage()
    colours = {image.pixelColor(x, y).name() for x in range(size) for y in range(size)}
    assert (image.width(), len(colours) > 3) == (size, True)
