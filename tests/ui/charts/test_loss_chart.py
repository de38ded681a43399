"""The chart: what it draws, for whom it reads, and what it tells to those who cannot see it."""

import math

import pytest
from qgis.PyQt.QtCore import QEvent, QPoint
from qgis.PyQt.QtGui import QColor, QHelpEvent, QPalette
from qgis.PyQt.QtWidgets import QToolTip

from footprint_tuner.plugin.core.events import EpochEnded
from footprint_tuner.ui.charts.loss_chart import LossChart
from footprint_tuner.ui.fields.colours import choose_colour, is_dark

LIGHT, DARK = ("#efefef", "#000000"), ("#2d2f31", "#e8e8e8")


def make_palette(ground, text):
    palette = QPalette()
    palette.setColor(QPalette.ColorRole.Window, QColor(ground))
    palette.setColor(QPalette.ColorRole.WindowText, QColor(text))
    return palette


@pytest.fixture
def chart():
    made = LossChart()
    made.resize(300, made.sizeHint().height())
    return made


def fill(chart, epochs=8, planned=12):
    for epoch in range(1, epochs + 1):
        f1 = 0.3 + 0.05 * epoch - (0.2 if epoch > 6 else 0)
        chart.add_epoch(EpochEnded(epoch, planned, 8 / epoch, 9 / epoch, f1, is_best=epoch <= 6))


def count(chart, name):
    """Return how many pixels of the drawn chart are close to a colour."""
    image = chart.grab().toImage()
    wanted = choose_colour(chart.palette(), name)
    close = 0
    for x in range(image.width()):
        for y in range(image.height()):
            colour = image.pixelColor(x, y)
            gaps = (colour.red() - wanted.red(), colour.green() - wanted.green(), colour.blue() - wanted.blue())
            close += max(map(abs, gaps)) < 12
    return close


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_both_losses_and_the_f1_are_drawn_in_light_and_dark_themes(chart, theme):
    chart.setPalette(make_palette(*theme))
    assert [count(chart, name) for name in ("training", "validation", "score")] == [0, 0, 0]
    fill(chart)
    assert min(count(chart, name) for name in ("training", "validation", "score")) > 100


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("name", ["training", "validation", "score", "error", "warning"])
def test_every_colour_stands_out_from_its_ground(theme, name):
    palette = make_palette(*theme)
    assert is_dark(palette) is (theme is DARK)
    assert contrast(choose_colour(palette, name), QColor(theme[0])) >= 4.5  # what WCAG 2 asks of text


def contrast(one, other):
    """Return the contrast ratio of WCAG 2."""
    lights = sorted(luminance(colour) for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def luminance(colour):
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.getRgbF()[:3]]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts))


def test_the_best_epoch_is_the_last_that_was_told_as_best(chart):
    assert chart.best is None
    fill(chart)
    assert chart.best.epoch == 6
    _, scores = chart._make_panels()
    assert scores.lines[0].name == "best 0.600 (epoch 6)"


def test_an_epoch_that_is_told_again_takes_the_place_of_the_earlier_one(chart):
    fill(chart, 3)
    chart.add_epoch(EpochEnded(2, 12, 1.0, 2.0, 0.9, is_best=True))
    assert [(event.epoch, event.validation_f1) for event in chart.epochs][1] == (2, 0.9)
    assert len(chart.epochs) == 3


@pytest.mark.parametrize("values", [(math.nan, math.inf, 0.0), (1e12, 1e-12, 1.0), (0.0, 0.0, 0.0)])
def test_losses_that_ran_away_are_drawn_without_an_error(chart, values):
    chart.add_epoch(EpochEnded(1, 3, *values))
    chart.add_epoch(EpochEnded(2, 3, 1.0, 2.0, 0.4, is_best=True))
    assert count(chart, "score") > 0


@pytest.mark.parametrize(("epochs", "planned"), [(1, 1), (1, 1000), (300, 1000)])
def test_any_number_of_epochs_is_drawn(chart, epochs, planned):
    fill(chart, epochs, planned)
    assert count(chart, "training") > 0


def test_lines_stay_inside_their_panels(chart):
    fill(chart)
    for panel in chart._make_panels():
        for line in panel.lines:
            assert all(panel.ticks[0] <= value <= panel.ticks[-1] for _, value in line.points)


def test_hovering_tells_the_numbers_of_the_nearest_epoch(chart):
    fill(chart)
    chart.show()
    chart.event(QHelpEvent(QEvent.Type.ToolTip, QPoint(295, 50), chart.mapToGlobal(QPoint(295, 50))))
    assert QToolTip.text().startswith("Epoch 8 of 12: training loss 1.000, validation loss 1.125")


def test_without_an_epoch_hovering_tells_nothing(chart):
    assert chart.describe_epoch_at(100) == ""


def test_the_latest_epoch_is_told_to_a_screen_reader(chart):
    assert "after each pass" in chart.accessibleDescription()
    fill(chart, 2)
    assert chart.accessibleDescription().startswith("Epoch 2 of 12")
