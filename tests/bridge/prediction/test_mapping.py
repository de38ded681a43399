"""The algorithm ``predict``: another raster, or a part of it, and what it warns of."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from qgis.core import QgsVectorLayer

from footprint_tuner.plugin.core.imagery import Imagery
from footprint_tuner.plugin.core.models import find_card
from tests.bridge.algorithms.test_algorithms import Feedback, model, provider, refuse, run

__all__ = ("model", "provider", "run")  # fixtures


def test_predict_gives_footprints_in_the_format_asked_for(run, environment, make_raster, model, tmp_path):
    path = tmp_path / "footprints.shp"
    results, _ = run("predict", {"RASTER": make_raster(), "MODEL": model, "FOOTPRINTS": str(path)})
    assert QgsVectorLayer(results["FOOTPRINTS"], "", "ogr").featureCount() == 3
    assert path.exists()


def test_predict_refuses_a_model_that_is_not_there(run, environment, make_raster, tmp_path):
    parameters = {"RASTER": make_raster(), "MODEL": str(tmp_path / "gone.json"), "FOOTPRINTS": "TEMPORARY_OUTPUT"}
    assert "There is no model card" in refuse(run, "predict", parameters)


def read_said(environment, name="asked"):
    return json.loads((environment.folder.parent / f"{name}.json").read_text("utf-8"))


def test_predict_takes_an_extent_in_any_system_and_warns_of_differing_imagery(run, environment, make_raster, model):
    feedback = Feedback()
    parameters = {"RASTER": make_raster(), "MODEL": model, "FOOTPRINTS": "TEMPORARY_OUTPUT"}
    run("predict", {**parameters, "EXTENT": "87.0,87.0001,27.1,27.1001 [EPSG:4326]"}, feedback)
    asked = read_said(environment)
    assert [float(value) for value in asked["--box"].split()] == pytest.approx([87.0, 27.1, 87.0001, 27.1001])
    assert asked["--box-crs"] == "EPSG:4326"
    assert ("warning", "The raster is finer. Correct some footprints.") in feedback.told


def test_predict_takes_polygons_as_the_ground(run, environment, make_raster, make_labels, model):
    parameters = {"RASTER": make_raster(), "MODEL": model, "FOOTPRINTS": "TEMPORARY_OUTPUT"}
    run("predict", {**parameters, "GROUND": make_labels()})
    assert "--box" not in read_said(environment)
    ground = read_said(environment, "ground")
    assert ground["extent"] == pytest.approx([500002.0, 500022.0, 2999988.0, 2999996.0])
    assert ground["crs"] == "32645"


def test_predict_refuses_an_extent_beside_a_ground(run, environment, make_raster, make_labels, model):
    parameters = {"RASTER": make_raster(), "MODEL": model, "FOOTPRINTS": "TEMPORARY_OUTPUT"}
    parameters.update(GROUND=make_labels(), EXTENT="500000,500010,2999990,3000000 [EPSG:32645]")
    assert "Both an extent and a ground are given." in refuse(run, "predict", parameters)


def test_predict_refuses_a_raster_without_a_band_that_the_model_was_tuned_with(run, environment, make_raster, tmp_path):
    base, nothing = find_card("selimsef_spacenet4_resnet34unet"), ((0.0,) * 4,) * 4
    imagery = Imagery("uint16", (3, 2, 1, 4), (0.5,) * 4, nothing, ((0.0, 0.0),) * 4)
    path = tmp_path / "model.json"
    replace(base, parent=base.name, imagery=imagery, source="").save(path)
    parameters = {"RASTER": make_raster(), "MODEL": str(path), "FOOTPRINTS": "TEMPORARY_OUTPUT"}
    assert "no near-infrared band" in refuse(run, "predict", parameters)
    run("predict", {**parameters, "BANDS": "3,2,1,0"})
    assert read_said(environment)["--bands"] == "3,2,1,0"
