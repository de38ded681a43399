"""The end of a run that improved a model: the chain of models that led to it."""

from dataclasses import replace

import pytest
from qgis.PyQt.QtWidgets import QGridLayout

from footprint_tuner.plugin.core.report import Link
from footprint_tuner.plugin.core.score import BuildingScore, PixelScore, Score

BEFORE = Score(building=BuildingScore(3, 4, 7, 0.4, 0.3, 0.353), pixel=PixelScore(f1=0.41))
AFTER = Score(building=BuildingScore(8, 1, 2, 0.9, 0.8, 0.842), pixel=PixelScore(f1=0.87))


def make_chain(*roles):
    """Return a report's chain whose last model is the better one."""
    scores = [*[BEFORE] * (len(roles) - 1), AFTER]
    return [Link(role, building=replace(score.building, interval=(0.2, 0.5))) for role, score in zip(roles, scores)]


def read_titles(find):
    return find("beforeTitle").text(), find("afterTitle").text()


def test_an_improved_model_is_shown_with_the_chain_that_led_to_it(dock, find):
    dock.show_finished(BEFORE, AFTER, "/runs/town", None, make_chain("base", "tuned", "improved"))
    assert find("chainLabel").text().splitlines() == [
        "All on the same held-out area:",
        "base model 0.353 (0.200 to 0.500)",
        "\N{RIGHTWARDS ARROW} tuned model 0.353 (0.200 to 0.500)",
        "\N{RIGHTWARDS ARROW} improved model 0.842 (0.200 to 0.500)",
    ]
    assert read_titles(find) == ("tuned model", "improved model")
    assert find("afterLabel").accessibleName().startswith("improved model: F1 0.842")


def test_a_tuned_model_has_no_chain(dock, find):
    for chain in ((), make_chain("base", "tuned")):
        dock.show_finished(BEFORE, AFTER, "/runs/town", None, chain)
        assert not find("chainLabel").isVisible()
        assert read_titles(find) == ("base model", "tuned model")


@pytest.mark.parametrize(
    ("roles", "titles"),
    [
        (("tuned", "improved"), ("tuned model", "improved model")),
        (("base", "tuned", "improved", "improved"), ("earlier model", "improved model")),
    ],
)
def test_the_models_have_their_names_also_on_other_ground_and_where_one_is_improved_twice(dock, find, roles, titles):
    dock.show_finished(BEFORE, AFTER, "/runs/town", None, make_chain(*roles))
    assert read_titles(find) == titles


def test_an_improvement_that_made_it_worse_advises_to_keep_the_tuned_model(dock, find):
    dock.show_finished(AFTER, BEFORE, "/runs/town", None, make_chain("base", "tuned", "improved"))
    assert "or keep the tuned model" in find("gainLabel").text()


def test_the_reports_buttons_need_no_more_room_than_its_figures(dock, tmp_path):
    (tmp_path / "report.html").write_text("<p>report</p>")
    dock.show_finished(BEFORE, AFTER, str(tmp_path))
    page = dock.reportPage
    assert page.pdfButton.isVisible()
    room = {name: page.findChild(QGridLayout, name).minimumSize().width() for name in ("reportButtons", "figuresGrid")}
    assert room["reportButtons"] <= room["figuresGrid"]
