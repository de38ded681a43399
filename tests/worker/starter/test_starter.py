"""The starter model: what is shipped is whole, and the recipe that makes it runs, is seeded and resumes."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import rasterio
import shapely
import torch
from affine import Affine
from rasterio.warp import transform as reproject
from safetensors.torch import load_file

from plugin.core.card import OUTPUTS
from plugin.core.errors import InputError, RunError
from plugin.core.models import MODELS_FOLDER, find_card
from plugin.worker.models.networks import hash_file, load_network
from plugin.worker.starter import __main__ as module
from plugin.worker.starter.__main__ import main, train_starter
from plugin.worker.starter.card import make_card
from plugin.worker.starter.crops import CropMaker, blur, shade, warp
from plugin.worker.starter.places import RIO_TILES, SPACENET2_CHIPS, read_places

LIMIT_BYTES = 15_000_000


# -- what is shipped --------------------------------------------------------------------------------------------------


def test_the_shipped_weights_are_those_of_their_card_and_small_enough():
    card = find_card("starter")
    assert hash_file(card.weights_path) == card.sha256
    assert card.weights_path.stat().st_size <= LIMIT_BYTES


def test_the_shipped_card_is_the_one_that_the_recipe_writes():
    card = find_card("starter")
    assert card == make_card(sha256=card.sha256)


def test_the_card_says_what_it_was_made_of_and_what_it_cannot_do():
    card = find_card("starter")
    assert all((card.training, card.scores, card.limits))
    for word in ("OpenAerialMap", "OpenStreetMap", "SpaceNet", "CC BY-SA 4.0", "ODbL", "ImageNet"):
        assert word in card.attribution
    assert card.outputs == OUTPUTS
    assert card.is_finetuned


def test_the_shipped_weights_load_into_the_network_of_their_card():
    network = load_network(find_card("starter"))
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())


# -- the recipe -------------------------------------------------------------------------------------------------------


def write_mosaic(folder, gsd_m, rng):
    """Write a mosaic of 256 x 256 pixels with nine houses, as the places of OpenAerialMap come."""
    folder.mkdir()
    place = Affine(gsd_m, 0, 4_370_000, 0, -gsd_m, -650_000)
    houses = [shapely.box(30 + 70 * i, 30 + 70 * j, 55 + 70 * i, 50 + 70 * j) for i in range(3) for j in range(3)]
    values = rng.integers(40, 90, (4, 256, 256)).astype("uint8")
    values[3] = 255
    for house in houses:
        left, top, right, bottom = (int(value) for value in house.bounds)
        values[:3, top:bottom, left:right] = 200
    profile = {"driver": "GTiff", "width": 256, "height": 256, "count": 4, "dtype": "uint8"}
    with rasterio.open(folder / "mosaic.tif", "w", crs="EPSG:3857", transform=place, **profile) as target:
        target.write(values)
    write_geojson(folder / "buildings.geojson", houses, place, "EPSG:3857")
    write_geojson(folder / "aoi.geojson", [shapely.box(0, 0, 256, 256)], place, "EPSG:3857")


def write_geojson(path, polygons, place, crs):
    def to_degrees(xy):
        return np.column_stack(reproject(crs, "EPSG:4326", *(place @ xy.T)))

    shapes = [json.loads(shapely.to_geojson(shapely.transform(each, to_degrees))) for each in polygons]
    features = [{"type": "Feature", "properties": {}, "geometry": shape} for shape in shapes]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder laid out as the open places are, with small pictures of squares."""
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(4)
    for name, gsd_m in (("zanzibar_z20", 0.15), ("zanzibar_z19", 0.3), ("kampala_z20", 0.15), ("kampala_z19", 0.3)):
        write_mosaic(folder / name, gsd_m, rng)
    (folder / "rio_spacenet1" / "tiles").mkdir(parents=True)
    (folder / "rio_spacenet1" / "labels").mkdir()
    place = Affine(4.49e-6, 0, -43.5, 0, -4.49e-6, -22.9)
    profile = {"driver": "GTiff", "width": 128, "height": 128, "count": 3, "dtype": "uint8"}
    for number in RIO_TILES:
        stem = f"3band_013022223130_Public_img{number}"
        path = folder / "rio_spacenet1" / "tiles" / f"{stem}.tif"
        with rasterio.open(path, "w", crs="EPSG:4326", transform=place, **profile) as target:
            target.write(rng.integers(1, 200, (3, 128, 128)).astype("uint8"))
        labels = [shapely.box(20, 20, 40, 40), shapely.box(60, 20, 120, 90)]
        write_geojson(folder / "rio_spacenet1" / "labels" / f"{stem}.geojson", labels, place, "EPSG:4326")
    (folder / "spacenet2_chips").mkdir()
    for stem in SPACENET2_CHIPS:
        for name, count in ((f"{stem}.png", 3), (f"{stem}_gt.png", 1)):
            values = np.zeros((count, 64, 64), "uint8")
            values[:, 10:30, 10:30] = 255
            with rasterio.open(folder / "spacenet2_chips" / name, "w", driver="PNG", width=64, height=64, count=count,
                               dtype="uint8") as target:  # fmt: skip
                target.write(values)
    return folder


@pytest.fixture(scope="module")
def places(data):
    return read_places(data, make_card())


def test_every_open_place_is_read_with_its_buildings(places):
    names = {place.name for place in places}
    assert {"zanzibar_z20", "zanzibar_z19", "kampala_z20", "kampala_z19", "rio_img64", *SPACENET2_CHIPS} <= names
    by_name = {place.name: place for place in places}
    assert len(by_name["kampala_z19"].buildings) == 9
    assert len(by_name[SPACENET2_CHIPS[0]].buildings) == 1
    assert sum(place.chance for place in places) == pytest.approx(1.0)


def test_labels_lie_on_their_roofs(places):
    place = next(place for place in places if place.name == "zanzibar_z19")
    roofs = place.targets.draw_frame(Affine.identity(), place.known.shape)[0] > 0
    assert place.values[0][roofs].min() == 200
    assert place.values[0][~roofs].max() < 200


def test_inside_a_large_shape_that_was_a_mask_nothing_is_said_of_walls(places):
    rio = next(place for place in places if place.name == "rio_img64")
    assert len(rio.unclear.polygons) == 1
    assert not any(len(place.unclear.polygons) for place in places if place.name.startswith(("zanzibar", "kampala")))


def test_a_missing_place_is_named(data, tmp_path):
    (tmp_path / "zanzibar_z20").mkdir()
    with pytest.raises(InputError, match="kampala_z20") as caught:
        read_places(tmp_path, make_card())
    assert caught.value.hint


def test_a_crop_is_what_a_tuning_would_see_with_its_three_channels(places):
    card = make_card()
    sample = CropMaker(places, card).draw(np.random.default_rng(2))
    side = card.recipe.tile_px
    assert sample.values.shape == sample.truth.shape == sample.weight.shape == (3, side, side)
    assert set(sample.truth.unique().tolist()) <= {0.0, 1.0}


def test_what_is_warped_shows_roofs_where_the_targets_are(places):
    place = next(place for place in places if place.name == "kampala_z19")
    frame = Affine.translation(120, 120) @ Affine.rotation(33) @ Affine.scale(0.6, -0.6) @ Affine.translation(-64, -64)
    values, known = warp(place, frame, 128)
    truth = place.targets.draw_frame(frame, (128, 128))
    inner = (truth[0] > 0) & (truth[1] == 0)
    assert known.all()
    assert values[0][torch.from_numpy(inner)].min() > 0.7
    assert values[0][torch.from_numpy(truth[0] == 0)].mean() < 0.35


def test_ground_beyond_a_place_is_unknown(places):
    values, known = warp(places[0], Affine.translation(5000, 5000), 64)
    assert not known.any()
    assert not values.any()


def test_blur_and_shade_leave_a_picture_of_the_same_size_between_0_and_1():
    rng = np.random.default_rng(5)
    values = torch.rand(3, 64, 64)
    for _ in range(20):
        changed = shade(blur(values, 1.0, rng), rng)
        assert changed.shape == values.shape
        assert 0 <= float(changed.min()) <= float(changed.max()) <= 1


@pytest.fixture
def small(monkeypatch):
    """Crops of 64 pixels, two a batch: the recipe in seconds."""

    def make(**options):
        card = make_card(**options)
        return replace(card, recipe=replace(card.recipe, tile_px=64, batch_size=2))

    monkeypatch.setattr(module, "make_card", make)


def test_the_recipe_writes_weights_and_card_and_the_same_seed_gives_the_same(data, tmp_path, small):
    first, second = (train_starter(data, tmp_path, 1, 2, "cpu") for _ in range(2))
    assert first.sha256 == second.sha256 == hash_file(tmp_path / "starter.safetensors")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["starter.json", "starter.safetensors"]
    kernels = [value for value in load_file(tmp_path / "starter.safetensors").values() if value.ndim > 1]
    assert all(value.dtype == torch.float16 for value in kernels)


def test_a_training_that_was_broken_off_goes_on_and_ends_with_the_same_weights(data, tmp_path, small, monkeypatch):
    whole = train_starter(data, tmp_path, 2, 2, "cpu")
    steps = []

    class Stopping(module.Learner):
        def take_step(self, samples):
            steps.append(1)
            if len(steps) == 4:
                raise KeyboardInterrupt
            return super().take_step(samples)

    monkeypatch.setattr(module, "Learner", Stopping)
    with pytest.raises(KeyboardInterrupt):
        train_starter(data, tmp_path, 2, 2, "cpu")
    assert (tmp_path / "starter.checkpoint.pt").exists()
    again = train_starter(data, tmp_path, 2, 2, "cpu")
    assert again.sha256 == whole.sha256
    assert not (tmp_path / "starter.checkpoint.pt").exists()


def test_a_checkpoint_that_is_none_is_refused(data, tmp_path, small):
    (tmp_path / "starter.checkpoint.pt").write_bytes(b"garbage")
    with pytest.raises(RunError, match="cannot be used"):
        train_starter(data, tmp_path, 1, 1, "cpu")


def test_the_command_says_what_is_missing_in_a_sentence(tmp_path, capsys):
    assert main([str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "lacks zanzibar_z20" in capsys.readouterr().err


def test_the_starter_lies_beside_the_other_models():
    assert (MODELS_FOLDER / "starter.safetensors").is_file()
