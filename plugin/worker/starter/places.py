"""The places that the starter model learns: imagery in memory, with its buildings in pixels."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.features import shapes
from rasterio.io import DatasetReader
from scipy.ndimage import find_objects, label

from ...core.card import Card
from ...core.errors import InputError
from ..geodata.crs import measure_ground
from ..geodata.polygons import apply_affine, explode_polygons
from ..geodata.rasterize import PolygonIndex
from ..geodata.vector import Geometries, read_layer, reproject_geometries
from ..training.targets import Targets, choose_widths

_MERGED_M2 = 200.0
_SPACENET2_GSD_M = 0.3

#: Rio's tiles that are wholly or mostly imagery with buildings.
RIO_TILES = (50, 52, 53, 54, 55, 56, 57, 63, 64)
SPACENET2_CHIPS = ("RGB-PanSharpen_AOI_3_Paris_img418", "RGB-PanSharpen_AOI_4_Shanghai_img945")


@dataclass(frozen=True)
class _Piece:
    """Imagery of one place as it was read: ``values`` (3, height, width) of bytes, ``buildings`` in its pixels.

    ``known`` is where it is labelled and holds data, ``is_merged`` tells of labels that were once a mask.
    """

    name: str
    values: NDArray[np.uint8]
    known: NDArray[np.bool_]
    buildings: Geometries
    gsd_m: float
    is_merged: bool


@dataclass(frozen=True)
class Place(_Piece):
    """Imagery that crops are drawn from, ``chance`` is how often.

    ``unclear`` are polygons inside which nobody knows how many buildings there are: labels that were once a mask show
    touching buildings as one.
    """

    chance: float
    targets: Targets
    unclear: PolygonIndex


def read_places(data: Path, card: Card) -> list[Place]:
    """Read every open place of the data's folder, with the targets of the card's model.

    Raises InputError where a place is missing.
    """
    kinds = (
        (_read_mosaic, data / "zanzibar_z20", 0.12),
        (_read_mosaic, data / "zanzibar_z19", 0.12),
        (_read_mosaic, data / "kampala_z20", 0.16),
        (_read_mosaic, data / "kampala_z19", 0.16),
        (_read_rio, data / "rio_spacenet1", 0.30),
        (_read_spacenet2, data / "spacenet2_chips", 0.14),
    )
    missing = [folder.name for _, folder, _ in kinds if not folder.is_dir()]
    if missing:
        raise InputError(
            f"The folder {data} lacks {', '.join(missing)}.", "Give the folder that holds the open places."
        )
    places = []
    for read, folder, chance in kinds:
        found = list(read(folder))
        places += [_make_place(piece, chance / len(found), card) for piece in found]
    return places


def _make_place(piece: _Piece, chance: float, card: Card) -> Place:
    buildings, gsd_m = piece.buildings, piece.gsd_m
    is_unclear = piece.is_merged & (shapely.area(buildings) * gsd_m**2 > _MERGED_M2)
    widths = choose_widths(card, card.working_gsd_m or gsd_m)
    targets = Targets(buildings, replace(widths, contact_px=card.contact_m / gsd_m))
    return Place(**vars(piece), chance=chance, targets=targets, unclear=PolygonIndex(buildings[is_unclear]))


def _read_mosaic(folder: Path) -> Iterator[_Piece]:
    with rasterio.open(folder / "mosaic.tif") as dataset:
        values = dataset.read()
        buildings = _read_buildings(folder / "buildings.geojson", dataset)
        labelled = PolygonIndex(_read_buildings(folder / "aoi.geojson", dataset))
        known = (labelled.draw_frame(Affine.identity(), dataset.shape) > 0) & (values[3] > 0)
        gsd_m = measure_ground(dataset.crs, dataset.transform, dataset.width, dataset.height).gsd_m
    for part in _find_parts(known):
        yield _Piece(folder.name, values[:3, *part], known[part], _move(buildings, part), gsd_m, is_merged=False)


def _find_parts(known: NDArray[np.bool_]) -> list[tuple[slice, slice]]:
    """Return the boxes of a sparse mosaic's islands: most of it is empty, and need not lie in memory."""
    step = 64
    coarse, _ = label(known[::step, ::step], np.ones((3, 3)))
    height, width = known.shape
    return [
        (
            slice(rows.start * step, min(rows.stop * step, height)),
            slice(cols.start * step, min(cols.stop * step, width)),
        )
        for rows, cols in find_objects(coarse)
    ]


def _move(buildings: Geometries, part: tuple[slice, slice]) -> Geometries:
    top, left = part[0].start, part[1].start
    frame = shapely.box(left, top, part[1].stop, part[0].stop)
    chosen = buildings[shapely.intersects(buildings, frame)]
    return np.asarray(shapely.transform(chosen, lambda xy: xy - (left, top)), dtype=object)


def _read_rio(folder: Path) -> Iterator[_Piece]:
    for number in RIO_TILES:
        stem = f"3band_013022223130_Public_img{number}"
        with rasterio.open(folder / "tiles" / f"{stem}.tif") as dataset:
            values = dataset.read()
            gsd_m = measure_ground(dataset.crs, dataset.transform, dataset.width, dataset.height).gsd_m
            buildings = _read_buildings(folder / "labels" / f"{stem}.geojson", dataset)
        yield _Piece(f"rio_img{number}", values, values.max(axis=0) > 0, buildings, gsd_m, is_merged=True)


def _read_spacenet2(folder: Path) -> Iterator[_Piece]:
    for stem in SPACENET2_CHIPS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # so they come
            with rasterio.open(folder / f"{stem}.png") as image, rasterio.open(folder / f"{stem}_gt.png") as mask:
                values, is_building = image.read((1, 2, 3)), mask.read(1) > 0
        outlines = [shapely.geometry.shape(each) for each, _ in shapes(is_building.astype("uint8"), is_building)]
        buildings = np.array(outlines, dtype=object)
        everywhere = np.ones(is_building.shape, bool)
        yield _Piece(stem, values, everywhere, buildings, _SPACENET2_GSD_M, is_merged=True)


def _read_buildings(path: Path, dataset: DatasetReader) -> Geometries:
    layer = read_layer(str(path))
    moved = apply_affine(reproject_geometries(layer.geometries, layer.crs, dataset.crs), ~dataset.transform)
    return explode_polygons(shapely.make_valid(moved))[0]
