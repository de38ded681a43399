"""Imagery is read for what it is: nodata of each band, masks, collars that nobody declares, near-infrared as alpha."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window
from scipy.ndimage import gaussian_filter

from plugin.core.models import find_card
from plugin.worker.geodata.raster import describe_raster, open_grid, read_window
from plugin.worker.geodata.statistics import holds_data, measure_filled, measure_imagery, spread_looks
from tests.worker.conftest import write_raster

RGB = ["red", "green", "blue"]
STARTER = find_card("starter")
MOMENTS = find_card("selimsef_spacenet4_resnet34unet")
#: The grid of the file (0.5 m), a coarser and a finer one.
GRIDS = [None, 1.0, 0.25]
SIDE = 128


def draw(low, high, bands=3, dtype="float64"):
    """Return smooth imagery (bands, 128, 128) whose values run from low to high, alike in all bands."""
    rng = np.random.default_rng(1)
    soft = gaussian_filter(rng.normal(size=(SIDE, SIDE)), 3)
    soft = (soft - soft.min()) / np.ptp(soft)
    fine = rng.uniform(0, 0.05, (bands, SIDE, SIDE))
    return (low + (high - low) * (0.95 * soft + fine)).astype(dtype)


def read(path, working_gsd_m=None, card=STARTER, bands=()):
    raster = describe_raster(str(path), replace(card, working_gsd_m=working_gsd_m), bands)
    with open_grid(raster) as dataset:
        return raster, *read_window(dataset, raster, Window(0, 0, raster.width, raster.height))


def kinds(raster):
    return [remark.kind for remark in raster.remarks]


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a raster and returns its path."""

    def write(values, name="raster.tif", **options):
        return write_raster(tmp_path / name, values, **{"colours": RGB if len(values) == 3 else None, **options})

    return write


# -- nodata in one band ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("working_gsd_m", GRIDS)
@pytest.mark.parametrize(
    ("low", "high", "dtype", "nodata"),
    [
        (0.02, 0.4, "float32", -9999),
        (0.02, 0.4, "float32", np.nan),
        (0.02, 0.4, "float32", -3.4028234663852886e38),
        (0.02, 0.4, "float64", -1.7976931348623157e308),
        (300, 2500, "uint16", 65535),
        (300, 2500, "uint16", 0),
        (100, 3000, "int16", -32768),
    ],
)
def test_what_is_missing_in_one_band_is_filled_and_never_stretched_from(write, working_gsd_m, low, high, dtype, nodata):
    whole = draw(low, high, dtype=dtype)
    gaps, holes = whole.copy(), np.random.default_rng(2).random(whole.shape) < 0.03
    gaps[holes] = nodata
    clean, expected, _ = read(write(whole, "whole.tif", dtype=dtype, nodata=nodata), working_gsd_m)
    raster, values, valid = read(write(gaps, "gaps.tif", dtype=dtype, nodata=nodata), working_gsd_m)
    assert np.allclose(raster.stretch, clean.stretch, rtol=0.02)
    assert valid[4:-4, 4:-4].all()
    assert np.abs(values - expected)[:, valid].max() < 0.3
    assert np.abs(values - expected)[:, valid].mean() < 0.01
    assert measure_imagery(raster).mean == pytest.approx(measure_imagery(clean).mean, abs=0.01)


@pytest.mark.parametrize("card", [STARTER, MOMENTS])
@pytest.mark.parametrize("nodata", [-9999.0, None])
def test_a_strip_in_which_a_band_is_missing_changes_no_other_value(write, card, nodata):
    """Also where nobody declares it."""
    bands = (1, 2, 3, 0) if card is MOMENTS else ()
    whole = draw(0.02, 0.4)
    strip = whole.copy()
    strip[1, :, :20] = -9999
    _, expected, _ = read(write(whole, "whole.tif", dtype="float32", nodata=nodata), card=card, bands=bands)
    _, values, valid = read(write(strip, "strip.tif", dtype="float32", nodata=nodata), card=card, bands=bands)
    assert valid.all()
    assert np.abs(values - expected)[:, :, 20:].max() < 0.05
    assert np.abs(values - expected).max() < 0.5


@pytest.mark.parametrize("working_gsd_m", GRIDS)
def test_each_band_may_have_a_nodata_value_of_its_own(write, tmp_path, working_gsd_m):
    whole = draw(300, 2500)
    stored = whole.copy()
    stored[:, :, :40] = np.array([-9999, -1, 65535])[:, None, None]
    stored[0, 60:62, 60:62] = -9999
    write(stored, "stored.tif", dtype="int32")
    bands = "".join(
        f'<VRTRasterBand dataType="Int32" band="{band}"><NoDataValue>{nodata}</NoDataValue><SimpleSource>'
        f'<SourceFilename relativeToVRT="1">stored.tif</SourceFilename><SourceBand>{band}</SourceBand>'
        "</SimpleSource></VRTRasterBand>"
        for band, nodata in ((1, -9999), (2, -1), (3, 65535))
    )
    with rasterio.open(tmp_path / "stored.tif") as source:
        grid = ", ".join(map(str, source.transform.to_gdal()))
        place = f"<SRS>EPSG:32645</SRS><GeoTransform>{grid}</GeoTransform>"
    vrt = tmp_path / "each.vrt"
    vrt.write_text(f'<VRTDataset rasterXSize="128" rasterYSize="128">{place}{bands}</VRTDataset>')
    raster, _, valid = read(vrt, working_gsd_m)
    scale = raster.width // SIDE if raster.width >= SIDE else 0.5
    edge = int(40 * scale)
    assert not valid[:, : edge - 2].any()
    assert valid[:, edge + 2 :].all()
    assert all(250 < low < high < 2600 for low, high in raster.stretch)
    assert not kinds(raster)


@pytest.mark.parametrize("working_gsd_m", GRIDS)
def test_a_nodata_value_that_bytes_do_not_know_masks_nothing(write, working_gsd_m, tmp_path):
    path = write(draw(1, 250), dtype="uint8")
    (tmp_path / "odd.vrt").write_text(_wrap(path, "<NoDataValue>-9999</NoDataValue>"), encoding="utf-8")
    _, expected, _ = read(path, working_gsd_m)
    _, values, valid = read(tmp_path / "odd.vrt", working_gsd_m)
    assert valid.all()
    assert np.abs(values - expected).max() < 0.01


def _wrap(path, extra):
    with rasterio.open(path) as source:
        grid = ", ".join(map(str, source.transform.to_gdal()))
        bands = "".join(
            f'<VRTRasterBand dataType="Byte" band="{band}">{extra}<ColorInterp>{RGB[band - 1].title()}</ColorInterp>'
            f'<SimpleSource><SourceFilename relativeToVRT="0">{path}</SourceFilename>'
            f"<SourceBand>{band}</SourceBand></SimpleSource></VRTRasterBand>"
            for band in (1, 2, 3)
        )
        size = f'rasterXSize="{source.width}" rasterYSize="{source.height}"'
        return f"<VRTDataset {size}><SRS>EPSG:32645</SRS><GeoTransform>{grid}</GeoTransform>{bands}</VRTDataset>"


@pytest.mark.parametrize("working_gsd_m", GRIDS)
def test_nan_and_infinity_in_one_band_are_filled(write, working_gsd_m):
    whole = draw(0.02, 0.4)
    stored = whole.copy()
    stored[0, 10:12, 30] = np.nan
    stored[1, 50, 50] = np.inf
    stored[2, 70, 20] = -np.inf
    _, expected, _ = read(write(whole, "whole.tif", dtype="float32"), working_gsd_m)
    _, values, valid = read(write(stored, "stored.tif", dtype="float32"), working_gsd_m)
    assert valid.all()
    assert np.abs(values - expected).max() < 0.35


def test_ground_that_is_not_finite_is_no_data(write):
    stored = draw(0.02, 0.4)
    stored[:, 5:25], stored[:, 100:] = np.nan, np.inf
    _, values, valid = read(write(stored, dtype="float32"))
    assert np.flatnonzero(~valid.all(axis=1)).tolist() == [*range(5, 25), *range(100, SIDE)]
    assert np.isfinite(values).all()
    assert (values[:, ~valid] == 0).all()


def test_a_zero_in_one_colour_of_bytes_stays_a_colour_also_at_the_models_scale(write):
    stored = draw(40, 250, dtype="uint8")
    stored[1, 40:60, 40:60] = 0
    raster, values, valid = read(write(stored, nodata=0))
    assert raster.rule is None
    assert valid.all()
    assert (values[1, 40:60, 40:60] == 0).all()


# -- masks and transparency ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("working_gsd_m", GRIDS)
@pytest.mark.parametrize("bands", [1, 3, 4, 8])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("kind", ["alpha", "internal", "external", "alpha and nodata"])
def test_what_is_masked_is_no_data_and_does_not_bleed(write, working_gsd_m, bands, dtype, kind):
    """In any number of bands, of any kind of values, on any grid."""
    low, high = (0.2, 0.4) if dtype == "float32" else (100, 200) if dtype == "uint8" else (3000, 6000)
    stored, top = draw(low, high, bands, dtype), {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    shown = np.full((SIDE, SIDE), True)
    shown[:, 64:] = False
    stored[:, ~shown] = top
    colours = {1: ["gray"], 3: RGB, 4: [*RGB, "undefined"], 8: ["undefined"] * 8}[bands]
    options = {"alpha": np.where(shown, top, 0)} if kind.startswith("alpha") else {}
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=kind == "internal"):
        path = write(stored, dtype=dtype, colours=colours, nodata=0 if "nodata" in kind else None, **options)
        if not options:
            with rasterio.open(path, "r+") as target:
                target.write_mask(shown)
    raster, values, valid = read(path, working_gsd_m)
    edge = raster.width // 2
    assert valid[:, : edge - 1].all()
    assert not valid[:, edge + 1 :].any()
    low, high = (np.array(limit)[:, None] for limit in zip(*raster.stretch, strict=True))
    seen = values[:, valid] * (high - low) + low
    plain = 0.02 * np.ptp(stored[:, shown])
    assert stored[:, shown].min() - plain <= seen.min()
    assert seen.max() <= stored[:, shown].max() + plain
    assert not kinds(raster)


@pytest.mark.parametrize("working_gsd_m", GRIDS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_near_infrared_that_is_called_alpha_masks_nothing_and_is_told(write, working_gsd_m, dtype):
    scale = {"uint8": 1, "uint16": 20, "float32": 1 / 255}[dtype]
    stored = draw(40 * scale, 250 * scale, dtype=dtype)
    infrared = draw(20 * scale, 200 * scale, 1)[0]
    infrared[30:60, 30:60] = 0
    path = write(stored, "naip.tif", dtype=dtype, alpha=infrared)
    plain = write(np.concatenate([stored, infrared[None]]), "plain.tif", dtype=dtype, colours=[*RGB, "undefined"])
    raster, values, valid = read(path, working_gsd_m)
    _, expected, _ = read(plain, working_gsd_m)
    assert valid.all()
    assert np.abs(values - expected).max() < 0.01
    assert kinds(raster) == ["no_transparency"]
    assert "Band 4 is called alpha" in raster.remarks[0].message
    assert describe_raster(str(path), MOMENTS).bands == (3, 2, 1, 4)


@pytest.mark.parametrize("opaque", [1, 255])
def test_a_transparency_with_soft_edges_is_one(write, opaque):
    alpha = np.full((SIDE, SIDE), opaque)
    alpha[:, :40] = 0
    if opaque > 1:
        alpha[:, 40:60] = np.linspace(10, 245, 20)
    raster, _, valid = read(write(draw(40, 250, dtype="uint8"), alpha=alpha))
    assert not kinds(raster)
    assert not valid[:, :40].any()
    assert valid[:, 40:].all()


@pytest.mark.parametrize("working_gsd_m", GRIDS)
@pytest.mark.parametrize(("dtype", "opaque"), [("uint8", 100), ("uint16", 10000)])
def test_a_transparency_of_two_values_is_one_whatever_the_other_is(write, working_gsd_m, dtype, opaque):
    alpha = np.full((SIDE, SIDE), opaque)
    alpha[:, :40] = 0
    raster, _, valid = read(write(draw(40, 250, dtype=dtype), dtype=dtype, alpha=alpha), working_gsd_m)
    assert not kinds(raster)
    edge = raster.width * 40 // SIDE
    assert not valid[:, : edge - 1].any()
    assert valid[:, edge + 1 :].all()


# -- specks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["nodata", "alpha", "mask"])
def test_specks_inside_valid_ground_are_filled_and_a_gap_is_none(write, kind):
    whole = draw(40, 250, dtype="uint8")
    holes = np.random.default_rng(3).random((SIDE, SIDE)) < 0.1
    holes[60:100, 60:100] = True
    holes[:, :9] = True
    stored = np.where(holes, 0, whole)
    path = write(stored, nodata=0 if kind == "nodata" else None, **({"alpha": 255 * ~holes} if kind == "alpha" else {}))
    if kind == "mask":
        with rasterio.open(path, "r+") as target:
            target.write_mask(~holes)
    raster, values, valid = read(path)
    _, expected, _ = read(write(whole, "whole.tif"))
    assert not valid[61:99, 61:99].any()
    assert not valid[:, :9].any()
    assert valid[4:56, 16:120].all()
    assert np.abs(values - expected)[:, valid].max() < 0.4
    assert measure_filled(raster, spread_looks(raster)) == pytest.approx(0.1, abs=0.02)
    assert holds_data(raster, Window(0, 0, 20, 20))


def draw_patches(value, softness):
    """Return imagery with 25 round patches of a value, of some 5 to 8 m each; the ground passes over to it softly."""
    rows, cols = np.mgrid[:SIDE, :SIDE]
    distance = np.hypot(rows % 25 - 12, cols % 25 - 12)
    return np.round(value + (draw(60, 190) - value) * np.clip((distance - 6) / softness, 0, 1))


@pytest.mark.parametrize("value", [0, 255])
def test_a_nodata_value_of_shadows_or_of_bright_roofs_is_imagery_and_told(write, value):
    raster, values, valid = read(write(draw_patches(value, 8), nodata=value))
    assert kinds(raster) == ["nodata_is_imagery"]
    assert valid.all()
    assert (values[:, 12, 12] == value / 255).all()


@pytest.mark.parametrize("value", [0, 255])
def test_what_was_cut_out_is_no_data(write, value):
    """Its edges are sharp; or else there is a collar, too."""
    stored = draw_patches(value, 0.1)
    raster, _, valid = read(write(stored, nodata=value))
    assert kinds(raster) == []
    assert not valid[12, 12]
    collared = draw_patches(value, 8)
    collared[:, :6] = value
    raster, _, valid = read(write(collared, nodata=value))
    assert kinds(raster) == []
    assert not valid[:6].any()


def test_a_window_sees_the_same_specks_as_the_whole_raster_does(write):
    stored = draw(40, 250, dtype="uint8")
    holes = gaussian_filter(np.random.default_rng(4).normal(size=(SIDE, SIDE)), 2) > 0.15
    stored[:, holes] = 0
    raster, _, valid = read(write(stored, nodata=0))
    assert valid[~holes].all()
    assert 0 < (valid & holes).sum() < holes.sum()
    with open_grid(raster) as dataset:
        for col, row in ((0, 0), (13, 40), (77, 61)):
            _, known = read_window(dataset, raster, Window(col, row, 48, 56))
            assert (known == valid[row : row + 56, col : col + 48]).all()


# -- collars that nobody declares ------------------------------------------------------------------------------------


@pytest.mark.parametrize("working_gsd_m", GRIDS)
@pytest.mark.parametrize(
    ("low", "high", "dtype", "value"),
    [
        (0.02, 0.4, "float32", -9999),
        (0.02, 0.4, "float32", -3.4028234663852886e38),
        (0.02, 0.4, "float32", 1e20),
        (0.02, 0.4, "float32", 65535),
        (300, 2500, "uint16", 65535),
        (300, 2500, "uint16", 0),
        (100, 9000, "int16", -9999),
        (100, 3000, "int16", -32768),
    ],
)
def test_an_undeclared_collar_is_told_and_read_as_nodata(write, working_gsd_m, low, high, dtype, value):
    whole = draw(low, high, dtype=dtype)
    stored = whole.copy()
    collar = np.ones((SIDE, SIDE), dtype=bool)
    collar[20:-20, 20:-20] = False
    stored[:, collar] = value
    declared, expected, known = read(write(stored, "declared.tif", dtype=dtype, nodata=value), working_gsd_m)
    raster, values, valid = read(write(stored, "undeclared.tif", dtype=dtype), working_gsd_m)
    assert kinds(declared) == []
    assert kinds(raster) == ["undeclared_nodata"]
    assert "Assign a specified NoData value" in raster.remarks[0].hint
    assert np.allclose(raster.stretch, declared.stretch)
    assert (valid == known).all()
    assert np.allclose(values, expected, atol=1e-4)


def test_two_far_values_are_both_no_data(write):
    stored = draw(0.02, 0.4)
    stored[:, :20], stored[:, -20:] = -9999, 1e20
    raster, _, valid = read(write(stored, dtype="float32", nodata=-9999))
    assert not valid[:20].any()
    assert not valid[-20:].any()
    assert valid[20:-20].all()
    assert all(0 < low < high < 0.5 for low, high in raster.stretch)


@pytest.mark.parametrize(
    ("value", "dtype", "high"), [(0, "uint16", 2500), (4095, "uint16", 2500), (65535, "uint16", 9000)]
)
def test_black_shadows_and_saturated_roofs_are_imagery(write, value, dtype, high):
    """They hold one value far from the others, but lie all over the place."""
    stored = draw(300, high, dtype=dtype)
    for row in range(8, 120, 24):
        stored[:, row : row + 10, 40:52] = value
    _, _, valid = read(write(stored, dtype="uint16"))
    assert valid.all()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_ordinary_imagery_is_read_from_the_file_itself(write, dtype):
    """Dark to black, bright to saturated, some of it nodata 0 along the border."""
    top = {"uint8": 255, "uint16": 11000, "float32": 1}[dtype]
    stored = np.clip(draw(-0.1 * top, 1.1 * top), 0, top)
    for nodata in (None, 0):
        raster, _, _ = read(write(stored, dtype=dtype, nodata=nodata))
        assert raster.rule is None
        assert raster.remarks == ()
