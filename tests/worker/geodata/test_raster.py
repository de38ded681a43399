"""The raster: which ones can be used, what is said of the others, and how a window is read."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.warp import transform as reproject
from rasterio.windows import Window

from plugin.core.errors import InputError, RunError
from plugin.worker.geodata.raster import choose_bands, describe_raster, open_grid, open_raster, read_window

ORIGIN = Affine(0.5, 0, 333000, 0, -0.5, 3066000)
RGB = ["red", "green", "blue"]


def refusal_of(path, card, bands=()):
    with pytest.raises(InputError) as caught:
        describe_raster(str(path), card, bands)
    assert caught.value.hint
    return caught.value.message


def read(path, card, window=None, bands=()):
    raster = describe_raster(str(path), card, bands)
    with open_raster(str(path)) as dataset:
        return read_window(dataset, raster, window or Window(0, 0, raster.width, raster.height))


def grade(dtype, low, high, bands=3, size=64):
    """Return planes that rise evenly from low to high, each its own way."""
    ramp = np.linspace(low, high, size * size).reshape(size, size)
    planes = [ramp, ramp.T, ramp[::-1], ramp[:, ::-1], ramp.T[::-1], ramp.T[:, ::-1], ramp, ramp.T]
    return np.array(planes[:bands]).astype(dtype)


# -- what cannot be used ----------------------------------------------------------------------------------------------


def test_a_raster_that_is_not_there_is_refused_with_a_next_step(tmp_path, card):
    assert "cannot be opened" in refusal_of(tmp_path / "none.tif", card)


def test_a_folder_is_no_raster(tmp_path, card):
    assert "cannot be opened" in refusal_of(tmp_path, card)


@pytest.mark.parametrize("content", [b"", b"II*\x00", b"no raster at all"])
def test_an_unreadable_file_is_refused_with_a_next_step(tmp_path, card, content):
    (tmp_path / "broken.tif").write_bytes(content)
    assert "cannot be opened" in refusal_of(tmp_path / "broken.tif", card)


@pytest.mark.parametrize("options", [{}, {"tiled": True, "blockxsize": 64, "blockysize": 64}, {"compress": "deflate"}])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_truncated_file_is_refused_before_any_long_work(make_raster, card, dtype, options):
    path = make_raster(size=(512, 512), dtype=dtype, **options)
    describe_raster(str(path), card)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 4])
    message = refusal_of(path, card)
    assert "is incomplete" in message or "cannot be opened" in message


def test_a_file_that_breaks_while_it_is_read_ends_the_run_with_a_next_step(make_raster, card):
    path = make_raster(size=(512, 512))
    raster = describe_raster(str(path), card)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    with pytest.raises(RunError, match="could not be read to its end") as caught, open_raster(str(path)) as dataset:
        read_window(dataset, raster, Window(0, 0, 512, 512))
    assert "Resume" in caught.value.hint


def test_a_raster_without_a_coordinate_system_is_refused_with_a_next_step(make_raster, card):
    assert "has no coordinate system" in refusal_of(make_raster(crs=None), card)


def test_a_raster_in_a_drawings_own_system_is_refused_with_a_next_step(make_raster, card):
    path = make_raster(crs='LOCAL_CS["A drawing",UNIT["metre",1]]')
    assert "has no place on the earth" in refusal_of(path, card)


def test_a_raster_without_georeference_is_refused_with_a_next_step(make_raster, card):
    assert "is not georeferenced" in refusal_of(make_raster(transform=Affine.identity()), card)


def test_a_raster_that_is_only_pinned_by_points_is_refused_with_a_next_step(make_raster, card):
    path = make_raster(crs=None, transform=Affine.identity())
    with rasterio.open(path, "r+") as dataset:
        dataset.gcps = (
            [GroundControlPoint(0, 0, 333000, 3066000), GroundControlPoint(9, 9, 333009, 3065991)],
            "EPSG:32645",
        )
    assert "has control points" in refusal_of(path, card)


def test_a_raster_whose_pixels_have_no_area_is_refused_with_a_next_step(make_raster, card):
    assert "is not georeferenced" in refusal_of(make_raster(transform=Affine(0.5, 0.5, 333000, 1, 1, 3066000)), card)


def test_a_raster_in_metres_that_is_said_to_be_in_degrees_is_refused_with_a_next_step(make_raster, card):
    assert "does not lie where its coordinate system" in refusal_of(make_raster(crs="EPSG:4326"), card)


def test_a_palette_raster_is_refused_with_a_next_step(make_raster, card):
    colormap = {value: (value, 0, 0, 255) for value in range(256)}
    assert "holds a palette" in refusal_of(make_raster(bands=1, colormap=colormap), card)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_a_raster_of_complex_values_is_refused_with_a_next_step(make_raster, card, dtype):
    assert f"holds {dtype} values" in refusal_of(make_raster(np.ones((1, 64, 64)), dtype=dtype), card)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_raster_that_is_all_nodata_is_refused_with_a_next_step(make_raster, card, dtype):
    assert "holds no data" in refusal_of(make_raster(np.zeros((3, 64, 64)), dtype=dtype, nodata=0), card)


def test_a_raster_that_is_all_transparent_is_refused_with_a_next_step(make_raster, card):
    assert "holds no data" in refusal_of(make_raster(colours=RGB, alpha=np.zeros((64, 64))), card)


def test_a_raster_that_is_all_nan_is_refused_with_a_next_step(make_raster, card):
    assert "holds no data" in refusal_of(make_raster(np.full((3, 64, 64), np.nan), dtype="float32"), card)


def test_a_raster_that_is_nothing_but_transparency_is_refused_with_a_next_step(make_raster, card):
    path = make_raster(bands=1, colours=["alpha"])
    assert "nothing but transparency" in refusal_of(path, card)


def test_a_raster_that_is_much_too_small_is_refused_with_a_next_step(make_raster, card):
    assert "only 100 x 31 pixels" in refusal_of(make_raster(size=(31, 100)), card)


@pytest.mark.parametrize("bands", [(1,), (1, 2), (1, 2, 3, 1), (1, 2, 4)])
def test_bands_that_do_not_fit_are_refused_with_a_next_step(make_raster, card, bands):
    message = refusal_of(make_raster(), card, bands)
    assert "red, green, blue" in message
    assert "the raster has 3" in message


# -- bands ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "colours", "expected"),
    [
        (1, None, (1, 1, 1)),
        (1, ["gray"], (1, 1, 1)),
        (2, None, (1, 1, 1)),
        (2, ["gray", "alpha"], (1, 1, 1)),
        (3, None, (1, 2, 3)),
        (3, RGB, (1, 2, 3)),
        (3, ["blue", "green", "red"], (3, 2, 1)),
        (4, None, (1, 2, 3)),
        (4, [*RGB, "alpha"], (1, 2, 3)),
        (4, ["alpha", *RGB], (2, 3, 4)),
        (4, ["alpha", "undefined", "undefined", "undefined"], (2, 3, 4)),
        (6, None, (1, 2, 3)),
        (8, None, (5, 3, 2)),
        (8, ["undefined", "blue", "green", "undefined", "red", "undefined", "undefined", "undefined"], (5, 3, 2)),
    ],
    ids=str,
)
def test_bands_are_chosen_by_their_colours_else_in_their_order(make_raster, card, count, colours, expected):
    path = make_raster(bands=count, colours=colours)
    assert describe_raster(str(path), card).bands == expected


def test_bands_that_are_asked_for_are_taken_as_they_are(make_raster, card):
    assert describe_raster(str(make_raster(bands=8)), card, (5, 3, 3)).bands == (5, 3, 3)


def test_bands_without_names_are_taken_in_order_and_none_for_near_infrared(make_raster, card):
    model = replace(card, bands=("red", "green", "blue", "near-infrared"), mean=(0.5,) * 4, std=(0.5,) * 4)
    with open_raster(str(make_raster(bands=6))) as dataset:
        assert choose_bands(dataset, model, ()) == (1, 2, 3, 0)


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_rasters_of_any_number_of_bands_are_read_as_the_model_wants_them(make_raster, card, count):
    values, valid = read(make_raster(grade("uint8", 0, 255, count)), card)
    assert values.shape == (3, 64, 64)
    assert valid.all()


# -- values -----------------------------------------------------------------------------------------------------------


def test_bytes_run_from_0_to_255(make_raster, card):
    stored = grade("uint8", 10, 100)
    values, _ = read(make_raster(stored), card)
    assert np.allclose(values, stored / 255)


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [("uint16", 300, 4000), ("int16", -2000, 6000), ("uint32", 0, 1e6), ("float32", -0.5, 1.5), ("float64", 1e3, 1e4)],
)
def test_other_values_are_stretched_from_their_1st_to_their_99th_percentile(make_raster, card, dtype, low, high):
    stored = grade(dtype, low, high)
    path = make_raster(stored, dtype=dtype)
    for (bottom, top), plane in zip(describe_raster(str(path), card).stretch, stored, strict=True):
        assert (bottom, top) == pytest.approx(np.percentile(plane, (1, 99)), rel=1e-3)
    values, valid = read(path, card)
    assert valid.all()
    assert values.min() == 0
    assert values.max() == 1
    assert np.isclose(np.median(values), 0.5, atol=0.02)


def test_the_stretch_of_a_models_card_goes_before_the_rasters_own(make_raster, card):
    stretched = replace(card, stretch=((0, 1000),) * 3)
    stored = grade("uint16", 0, 2000)
    values, _ = read(make_raster(stored, dtype="uint16"), stretched)
    assert np.allclose(values, np.clip(stored / 1000, 0, 1))


def test_a_raster_of_one_value_is_no_trouble(make_raster, card):
    values, valid = read(make_raster(np.full((3, 64, 64), 7), dtype="uint16"), card)
    assert np.isfinite(values).all()
    assert valid.all()


def test_the_percentiles_are_those_of_the_data_not_of_nodata(make_raster, card):
    stored = grade("int16", 100, 1100)
    stored[:, :32] = -9999
    stretch = describe_raster(str(make_raster(stored, dtype="int16", nodata=-9999)), card).stretch
    assert all(low >= 100 for low, _ in stretch)


def test_nodata_is_no_data_where_every_band_has_it(make_raster, card):
    """A pure red of (255, 0, 0) with nodata 0 is a colour."""
    stored = grade("uint8", 1, 255)
    stored[:, 0, 4] = 0
    stored[:, 5, 6] = (255, 0, 0)
    values, valid = read(make_raster(stored, nodata=0), card)
    assert np.argwhere(~valid).tolist() == [[0, 4]]
    assert values[:, 5, 6].tolist() == [1, 0, 0]


def test_what_is_transparent_is_no_data(make_raster, card):
    alpha = np.full((64, 64), 255)
    alpha[10:20] = 0
    _, valid = read(make_raster(colours=RGB, alpha=alpha), card)
    assert not valid[10:20].any()
    assert valid[20:].all()


# -- windows ----------------------------------------------------------------------------------------------------------


def test_a_window_over_the_edge_is_mirrored_and_what_lies_beyond_counts_for_nothing(make_raster, card):
    stored = grade("uint8", 0, 255)
    values, valid = read(make_raster(stored), card, Window(-10, -4, 84, 80))
    assert values.shape == (3, 80, 84)
    assert np.allclose(values, np.pad(stored / 255, ((0, 0), (4, 12), (10, 10)), mode="symmetric"))
    assert valid.sum() == 64 * 64
    assert valid[4:68, 10:74].all()


def test_a_raster_smaller_than_a_tile_is_read_by_mirroring_it_over_and_over(make_raster, card):
    values, valid = read(make_raster(size=(40, 33)), card, Window(-100, -100, 256, 256))
    assert values.shape == (3, 256, 256)
    assert values.min() > 0
    assert valid.sum() == 40 * 33


def test_a_window_inside_is_read_as_it_is(make_raster, card):
    stored = grade("uint8", 0, 255)
    values, valid = read(make_raster(stored), card, Window(7, 9, 20, 10))
    assert np.allclose(values, stored[:, 9:19, 7:27] / 255)
    assert valid.all()


# -- where it lies ----------------------------------------------------------------------------------------------------


def test_a_turned_raster_keeps_its_transform_and_its_scale(make_raster, card):
    turned = Affine.translation(333000, 3066000) @ Affine.rotation(25) @ Affine.scale(0.5, -0.5)
    raster = describe_raster(str(make_raster(transform=turned)), card)
    assert raster.transform.almost_equals(turned)
    assert raster.gsd_m == pytest.approx(0.5)


def test_a_raster_in_degrees_has_its_scale_in_metres(make_raster, card):
    raster = describe_raster(str(make_raster(crs="EPSG:4326", transform=Affine(5e-6, 0, 85.3, 0, -5e-6, 27.7))), card)
    assert raster.gsd_m == pytest.approx(5e-6 * 111_320 * np.sqrt(np.cos(np.radians(27.7)) * 0.9957), rel=2e-3)


def test_a_raster_in_web_mercator_at_high_latitude_has_its_scale_in_metres(make_raster, card):
    xs, ys = reproject("EPSG:4326", "EPSG:3857", [15.6], [78.2])
    raster = describe_raster(str(make_raster(crs="EPSG:3857", transform=Affine(1, 0, xs[0], 0, -1, ys[0]))), card)
    assert raster.gsd_m == pytest.approx(np.cos(np.radians(78.2)), rel=5e-3)


def test_a_path_with_blanks_and_letters_beyond_ascii_is_no_trouble(make_raster, tmp_path, card):
    folder = tmp_path / "Häuser und Dächer नेपाल"
    folder.mkdir()
    path = folder / "Straße №1.tif"
    shutil.move(make_raster(), path)
    values, valid = read(path, card)
    assert valid.all()
    assert values.max() > 0


# -- the grid that a model works on -----------------------------------------------------------------------------------


def at(card, working_gsd_m):
    return replace(card, working_gsd_m=working_gsd_m)


def read_grid(path, card, window=None):
    raster = describe_raster(str(path), card)
    with open_grid(raster) as dataset:
        return raster, *read_window(dataset, raster, window or Window(0, 0, raster.width, raster.height))


def test_coarse_imagery_is_upsampled_to_the_working_scale_over_the_same_ground(make_raster, card):
    raster, values, valid = read_grid(make_raster(grade("uint8", 0, 254)), at(card, 0.25))
    plain, own, _ = read_grid(make_raster(grade("uint8", 0, 254)), card)
    assert (raster.width, raster.height, raster.gsd_m, raster.native_gsd_m) == (128, 128, 0.25, 0.5)
    assert raster.transform @ (128, 128) == pytest.approx(plain.transform @ (64, 64))
    assert valid.all()
    assert np.abs(values[:, ::2, ::2] - own)[:, 4:-4, 4:-4].max() < 0.03


def test_fine_imagery_is_averaged(make_raster, card):
    noise = np.random.default_rng(2).integers(0, 256, (3, 64, 64))
    _, values, _ = read_grid(make_raster(noise), at(card, 1.0))
    expected = noise.reshape(3, 32, 2, 32, 2).mean(axis=(2, 4)) / 255
    assert np.abs(values - expected).max() < 0.003


@pytest.mark.parametrize("working_gsd_m", [0.45, 0.5, 0.56, None])
def test_imagery_of_nearly_the_working_scale_is_taken_as_it_is(make_raster, card, working_gsd_m):
    raster = describe_raster(str(make_raster()), at(card, working_gsd_m))
    assert not raster.is_resampled
    assert (raster.width, raster.transform) == (64, ORIGIN)


def test_a_window_of_the_grid_is_the_same_however_it_is_read(make_raster, card):
    path = make_raster(grade("uint8", 0, 254))
    _, whole, _ = read_grid(path, at(card, 0.2))
    _, part, _ = read_grid(path, at(card, 0.2), Window(37, 51, 60, 40))
    assert np.abs(whole[:, 51:91, 37:97] - part).max() < 0.005


@pytest.mark.parametrize("kind", ["alpha", "nodata", "mask"])
def test_what_holds_no_data_holds_none_on_the_grid(tmp_path, make_raster, card, kind):
    values = np.full((3, 64, 64), 100)
    alpha = np.full((64, 64), 255)
    alpha[:, 40:] = 0
    if kind == "alpha":
        path = make_raster(values, colours=RGB, alpha=alpha)
    elif kind == "nodata":
        values[:, :, 40:] = 0
        path = make_raster(values, nodata=0)
    else:
        path = make_raster(values)
        with rasterio.open(path, "r+") as target:
            target.write_mask(alpha > 0)
    _, read_values, valid = read_grid(path, at(card, 0.25))
    assert valid[:, :78].all()
    assert not valid[:, 82:].any()
    assert read_values[:, valid] == pytest.approx(100 / 255, abs=0.01)


def test_one_colour_that_equals_nodata_is_a_colour_on_the_grid(make_raster, card):
    values = np.full((3, 64, 64), 100)
    values[0] = 0
    _, read_values, valid = read_grid(make_raster(values, nodata=0), at(card, 0.25))
    assert valid.all()
    assert read_values[1:] == pytest.approx(100 / 255, abs=0.01)


def test_areas_stay_metric_on_the_grid(make_raster, card):
    raster = describe_raster(str(make_raster()), at(card, 0.2))
    assert raster.width * raster.height * raster.scale.pixel_area_m2(10.0) == pytest.approx(32 * 32)
