"""The raster: what it is, whether it can be used, and reading a window of it as the model wants it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from ...core.bands import ALPHA, NEAR_INFRARED, propose_bands
from ...core.card import NEAR_ENOUGH, Card
from ...core.errors import InputError, RunError
from .crs import GroundScale, is_usable, measure_ground
from .nodata import DataRule, Remark, Survey, describe_vrt, read_mask, sample_shape, sort_alpha, survey_values
from .normalization import adapt_values
from .open_errors import advise_raster, find_cause, refuse_unplaced
from .polygons import apply_affine
from .specks import choose_speck_side, fill_specks, find_specks
from .vector import Geometries, reproject_geometries
from .windows import place_window, widen_window

os.environ.setdefault("GDAL_CACHEMAX", "256")  # MB; GDAL's own choice, a twentieth of the machine, grows with it

_USABLE = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64", "float16")


@dataclass(frozen=True)
class Raster:
    """A raster that can be used: ``bands`` are read, counted from 1, and ``stretch`` maps each to 0..1.

    A band 0 is none of the raster's: it holds the model's mean everywhere, which ``fill`` says for each band. Values
    beyond 0..1 are clipped where ``is_clipped``; ``adapted`` says in words how values are brought to the model's.
    ``rule`` says which values are data, where the file's own masks do not do (None: they do), ``remarks`` what is to be
    told of them; ``values`` are the kinds of the file's (``uint8``, ``uint16`` ...).

    All sizes are those of the grid that the model works on: ``width`` and ``height`` in its pixels, ``transform`` takes
    its (column, row) to coordinates of ``crs``, ``gsd_m`` is its ground sample distance in metres. ``native_gsd_m`` is
    that of the file, whose pixels are resampled to the grid where the two differ.
    """

    path: str
    width: int
    height: int
    crs: CRS
    transform: Affine
    bands: tuple[int, ...]
    stretch: tuple[tuple[float, float], ...]
    scale: GroundScale
    native_gsd_m: float
    fill: tuple[float, ...] = ()
    is_clipped: bool = True
    adapted: str = ""
    rule: DataRule | None = None
    remarks: tuple[Remark, ...] = ()
    values: str = ""

    @property
    def gsd_m(self) -> float:
        """The ground sample distance in the raster's middle, in metres."""
        return self.scale.gsd_m

    @property
    def is_resampled(self) -> bool:
        """Whether the model works on another grid than the file's."""
        return not np.isclose(self.native_gsd_m, self.gsd_m, rtol=1e-3)


@contextlib.contextmanager
def open_raster(path: str) -> Iterator[DatasetReader]:
    """Open a raster for reading; raises InputError where that fails."""
    try:
        dataset = rasterio.open(path)
    except (RasterioError, OSError) as error:
        raise InputError(f"The raster {path} cannot be opened: {error}", advise_raster(path, error)) from error
    with dataset:
        yield dataset


@contextlib.contextmanager
def open_grid(raster: Raster) -> Iterator[DatasetReader]:
    """Open a raster on the grid that the model works on; raises InputError where that fails.

    Finer imagery is averaged, coarser one interpolated by cubic convolution.
    """
    with _open_data(raster) as dataset:
        if not raster.is_resampled:
            yield dataset
            return
        is_finer = raster.native_gsd_m < raster.gsd_m
        with WarpedVRT(
            dataset,
            crs=dataset.crs,
            transform=raster.transform,
            width=raster.width,
            height=raster.height,
            resampling=Resampling.average if is_finer else Resampling.cubic,
            **_keep_mask(dataset),
        ) as grid:
            yield grid


@contextlib.contextmanager
def _open_data(raster: Raster) -> Iterator[DatasetReader]:
    """Open the file itself, or a virtual raster of it whose missing values are NaN."""
    with open_raster(raster.path) as dataset:
        if raster.rule is None:
            yield dataset
            return
        with rasterio.open(describe_vrt(dataset, raster.rule)) as mended:
            yield mended


def _keep_mask(dataset: DatasetReader) -> dict[str, object]:
    """Return the options with which what holds no data in a file holds none on another grid."""
    if dataset.nodata is not None and np.isnan(dataset.nodata):
        return {"src_nodata": np.nan, "nodata": np.nan, "UNIFIED_SRC_NODATA": "NO", "SRC_ALPHA_MAX": "1"}
    has_mask = MaskFlags.per_dataset in dataset.mask_flag_enums[0] and ColorInterp.alpha not in dataset.colorinterp
    return {"add_alpha": True} if has_mask else {"UNIFIED_SRC_NODATA": "YES"}


def describe_raster(path: str, card: Card, bands: tuple[int, ...] = ()) -> Raster:
    """Return the raster as the model of ``card`` will read it; raises InputError where it cannot be used.

    A model that works at another ground sample distance than the file's gets a grid of its own, unless the two are
    nearly alike.
    """
    with open_raster(path) as dataset:
        _refuse_unusable(dataset, path)
        scale = measure_ground(dataset.crs, dataset.transform, dataset.width, dataset.height)
        if not (scale.areas_m2 > 0).all():
            raise InputError(
                f"The raster {path} does not lie where its coordinate system {dataset.crs.to_string()} is defined.",
                "Give it the right one (Raster > Projections > Assign Projection).",
            )
        chosen = choose_bands(dataset, card, bands)
        try:
            survey = _probe(dataset, tuple(filter(None, chosen)))
            values = adapt_values(dataset, card, chosen, survey)
        except RasterioIOError as error:
            raise InputError(
                f"The raster {path} is incomplete: {find_cause(error)}",
                "Copy it, or the file of it that is missing, again; or choose another raster.",
            ) from error
        width, height, transform = _lay_grid(dataset, scale.gsd_m, card.working_gsd_m)
        grid = measure_ground(dataset.crs, transform, width, height)
        return Raster(
            path,
            width,
            height,
            dataset.crs,
            transform,
            chosen,
            values.stretch,
            grid,
            scale.gsd_m,
            card.mean,
            values.is_clipped,
            values.sentence,
            survey.rule if survey.is_mended else None,
            survey.remarks,
            ", ".join(sorted({dataset.dtypes[band - 1] for band in chosen if band})),
        )


def regrid_raster(raster: Raster, gsd_m: float | None) -> Raster:
    """Return the same raster on a grid of another ground sample distance (None: that of the file)."""
    with open_raster(raster.path) as dataset:
        width, height, transform = _lay_grid(dataset, raster.native_gsd_m, gsd_m)
        scale = measure_ground(dataset.crs, transform, width, height)
    return replace(raster, width=width, height=height, transform=transform, scale=scale)


def _lay_grid(dataset: DatasetReader, native_m: float, working_m: float | None) -> tuple[int, int, Affine]:
    """Return width, height and transform of the grid over the same ground with pixels of ``working_m`` metres."""
    width, height = dataset.width, dataset.height
    if working_m is None or 1 / NEAR_ENOUGH <= native_m / working_m <= NEAR_ENOUGH:
        return width, height, dataset.transform
    cols, rows = (max(1, round(size * native_m / working_m)) for size in (width, height))
    return cols, rows, dataset.transform @ Affine.scale(width / cols, height / rows)


def _probe(dataset: DatasetReader, bands: tuple[int, ...]) -> Survey:
    """Read a pixel in every corner and one in the middle: a file that was cut off lacks the last of them.

    Returns what else is known of its values. Raises RasterioIOError for such a file, InputError for one without any
    data. A large one is read as a whole only where none of these pixels holds any.
    """
    right, bottom = dataset.width - 1, dataset.height - 1
    places = [Window(col, row, 1, 1) for row in (0, bottom // 2, bottom) for col in (0, right // 2, right)]
    for place in places:
        dataset.read(list(bands), window=place)
    survey = survey_values(dataset, bands)
    if survey.is_mended or all(MaskFlags.all_valid in dataset.mask_flag_enums[band - 1] for band in bands):
        return survey
    if any(read_mask(dataset, bands, place, None).any() for place in places):
        return survey
    if not read_mask(dataset, bands, None, sample_shape(dataset)).any():
        raise InputError(f"The raster {dataset.name} holds no data: all of it is nodata.", "Choose another raster.")
    return survey


def choose_bands(dataset: DatasetReader, card: Card, bands: tuple[int, ...]) -> tuple[int, ...]:
    """Return the band for each of the model's, as asked or as proposed by their names; 0: there is none like it."""
    wanted = len(card.bands)
    if bands:
        if len(bands) != wanted or max(bands) > dataset.count:
            raise InputError(
                f"Bands {', '.join(map(str, bands))} do not fit: the model takes {wanted} "
                f"({', '.join(card.bands)}), the raster has {dataset.count}.",
                "Choose one band of the raster for each band of the model.",
            )
        return bands
    names = [kind.name for kind in dataset.colorinterp]
    if names[-1] == ALPHA and dataset.count in sort_alpha(dataset)[1]:
        names[-1] = NEAR_INFRARED
    return propose_bands(names, card.bands)


def read_window(
    dataset: DatasetReader, raster: Raster, window: Window
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Read a window, which may reach over the raster's edge.

    Returns values of shape (bands, height, width) as the stretch makes them, mirrored beyond the edge and 0 where there
    is no data, and whether each pixel (height, width) lies inside and holds data. What is missing in some bands alone,
    and specks without data inside valid ground, are filled and count as data. Raises RunError where the file breaks
    off.
    """
    values, valid, _ = read_patched(dataset, raster, window)
    return values, valid


def read_patched(
    dataset: DatasetReader, raster: Raster, window: Window
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """Read a window as ``read_window`` does, and return which of its valid pixels (height, width) were filled, too."""
    inside, pads = clip_window(window, raster)
    try:
        values, gaps, valid = _read_values(dataset, raster, inside)
        specks = _find_specks(dataset, raster, inside, valid)
    except RasterioIOError as error:
        raise RunError(
            f"The raster {raster.path} could not be read to its end: {find_cause(error)}",
            "Is the file complete? Copy it again, then press Resume.",
        ) from error
    low, high = (np.array(limit, dtype="float32")[:, None, None] for limit in zip(*raster.stretch, strict=True))
    values = (values - low) / (high - low)
    if raster.is_clipped:
        values = np.clip(values, 0, 1)
    if gaps.any():
        values = _fill_gaps(values, gaps, np.array(raster.bands) > 0)
    if specks.any():
        fill_specks(values, valid, specks)
        valid |= specks
    for index, band in enumerate(raster.bands):
        if not band:
            values[index] = raster.fill[index]
    values[:, ~valid] = 0
    filled = valid & (specks | gaps.any(axis=0))
    if not any(sum(pad) for pad in pads):
        return values, valid, filled
    mirrored = np.pad(values, ((0, 0), *pads), mode="symmetric")
    return mirrored, np.pad(valid, pads), np.pad(filled, pads)


def read_valid(
    dataset: DatasetReader, raster: Raster, window: Window, shape: tuple[int, int] | None = None
) -> NDArray[np.bool_]:
    """Return where a window on the raster holds data, thinned out to ``shape``; specks of it are none."""
    if raster.rule is not None:
        read = dataset.read(window=window, out_shape=None if shape is None else (dataset.count, *shape))
        return raster.rule.judge(read, place_window(dataset, window))[2]
    return read_mask(dataset, raster.bands, window, shape)


def _read_values(
    dataset: DatasetReader, raster: Raster, window: Window
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return a window's values, which of them are missing (bands, height, width), and which pixels hold data."""
    if raster.rule is None:
        values = _read_bands(dataset, raster, window)
        valid = read_mask(dataset, raster.bands, window, None) & np.isfinite(values).all(axis=0)
        return values, np.zeros((1, *valid.shape), dtype=bool), valid
    read, missing, valid = raster.rule.judge(dataset.read(window=window), place_window(dataset, window))
    values = np.zeros((len(raster.bands), *valid.shape), "float32")
    gaps = np.zeros(values.shape, dtype=bool)
    for index, band in enumerate(raster.bands):
        if band:
            place = raster.rule.bands.index(band)
            values[index], gaps[index] = read[place], missing[place]
    return values, gaps, valid


def _find_specks(dataset: DatasetReader, raster: Raster, window: Window, valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which pixels of a window are specks without data, looked at with so much around it as one may reach."""
    if valid.all() or not valid.any():
        return np.zeros_like(valid)
    side_px = choose_speck_side(raster.gsd_m)
    wide, core = widen_window(window, dataset, side_px + 1)
    return find_specks(_read_values(dataset, raster, wide)[2], side_px)[core]


def _fill_gaps(values: NDArray[np.float32], gaps: NDArray[np.bool_], is_read: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Give each missing value the mean of its pixel's other bands that are read."""
    known = ~gaps & is_read[:, None, None]
    mean = np.where(known, values, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.where(gaps, mean, values).astype("float32")


def _read_bands(dataset: DatasetReader, raster: Raster, window: Window) -> NDArray[np.float32]:
    """Read the window's bands (bands, height, width); what is none of the raster's is 0."""
    present = [band for band in raster.bands if band]
    read = dataset.read(present, window=window).astype("float32")
    if len(present) == len(raster.bands):
        return read
    values = np.zeros((len(raster.bands), *read.shape[1:]), "float32")
    values[[index for index, band in enumerate(raster.bands) if band]] = read
    return values


def clip_window(window: Window, raster: Raster) -> tuple[Window, tuple[tuple[int, int], tuple[int, int]]]:
    """Return the part of a window on the raster, and how far it reaches beyond: (above, below), (left, right)."""
    top, left = max(0, window.row_off), max(0, window.col_off)
    bottom = min(raster.height, window.row_off + window.height)
    right = min(raster.width, window.col_off + window.width)
    pads = (
        (top - window.row_off, window.row_off + window.height - bottom),
        (left - window.col_off, window.col_off + window.width - right),
    )
    return Window(left, top, right - left, bottom - top), pads


def _refuse_unusable(dataset: DatasetReader, path: str) -> None:
    refuse_unplaced(dataset, path)
    if dataset.crs is None:
        raise InputError(
            f"The raster {path} has no coordinate system.", "Give it one (Raster > Projections > Assign Projection)."
        )
    if dataset.transform.is_identity or abs(dataset.transform.determinant) == 0:
        raise InputError(
            f"The raster {path} is not georeferenced.", "Georeference it (Layer > Georeferencer), then try again."
        )
    if not is_usable(dataset.crs):
        raise InputError(
            f"The coordinate system of the raster {path} has no place on the earth.",
            "Give it one that has (Raster > Projections > Assign Projection).",
        )
    if all(kind == ColorInterp.alpha for kind in dataset.colorinterp):
        raise InputError(f"The raster {path} holds nothing but transparency.", "Choose a raster with bands of colour.")
    if any(ColorInterp.palette == kind for kind in dataset.colorinterp):
        raise InputError(f"The raster {path} holds a palette.", "Convert it (Raster > Conversion > PCT to RGB).")
    unusable = sorted({kind for kind in dataset.dtypes if kind not in _USABLE})
    if unusable:
        raise InputError(f"The raster {path} holds {', '.join(unusable)} values.", "Convert it to 8 or 16 bits.")
    if min(dataset.width, dataset.height) < 32:
        raise InputError(
            f"The raster {path} has only {dataset.width} x {dataset.height} pixels.", "Choose one of at least 32 x 32."
        )


def to_pixels(geometries: Geometries, crs: CRS, raster: Raster) -> Geometries:
    """Return geometries of any coordinate system in the raster's pixel coordinates; what cannot be moved is None."""
    middle_x, _ = raster.transform @ (raster.width / 2, raster.height / 2)
    moved = apply_affine(reproject_geometries(geometries, crs, raster.crs, middle_x), ~raster.transform)
    xs_ys = shapely.bounds(moved)
    moved[~np.isfinite(xs_ys).all(axis=1)] = None
    return moved
