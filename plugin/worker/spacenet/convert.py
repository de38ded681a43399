"""A folder of tiles becomes a raster, a layer of labels and the ground that is labelled."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS

from ...core.block_roles import HELD_OUT, TRAINING
from ...core.errors import InputError
from ...core.job import Job
from ...core.output_files import require_free
from ..dataset.block_sampling import count_inside, draw_alike
from ..geodata.clean_polygons import clean_polygons, describe_done, find_narrowest, find_twins
from ..geodata.polygons import apply_affine, explode_polygons
from ..geodata.vector import Geometries, append_layer, read_layer, replacing_layer, reproject_geometries
from ..runtime.disk import check_writable
from ..runtime.progress import NotifyingProgress
from .merge_cut import rejoin_cut, unite
from .release import Product, Release, Summary, choose_product, match_id, open_release, read_image_id, read_summary
from .vrt import BAND_NAMES, NADIR_BAND_NAMES, Mosaic, Tile, find_difference, lay_mosaic, read_tile, write_vrt

RASTER, LABELS, AREAS = "raster.vrt", "labels.gpkg", "areas.gpkg"
_FEW_TILES = 16
_SLACK_PX = 2.0
_SHARE_OF_TILES = 0.7


@dataclass(frozen=True)
class Converted:
    """What came of a folder: three files in ``out``, and counts."""

    out: Path
    raster: str
    product: str
    tiles: int
    labelled: int
    buildings: int

    @property
    def files(self) -> dict[str, str]:
        """The files, by what they are."""
        names = {"raster": self.raster, "labels": LABELS, "areas": AREAS}
        return {what: str(self.out / name) for what, name in names.items()}

    def describe(self) -> str:
        """Return a sentence with the counts."""
        return (
            f"{self.tiles} tiles of {self.product}, {self.labelled} of them labelled, with {self.buildings} buildings."
        )


class _Teller:
    """Tells notices and progress."""

    def __init__(self, progress: NotifyingProgress) -> None:
        self._progress = progress
        self._done: Counter[str] = Counter()
        self._apart = (0, 0)

    def say(self, sentence: str, level: str = "info") -> None:
        self._progress.send_notice(sentence, level=level)

    def clean(self, geometries: Geometries, narrowest: float, is_mended: NDArray[np.bool_] | None = None) -> Geometries:
        """Return the labels of a tile, made fit for use; ``say_cleaned`` tells what was done to those of all tiles.

        A tile without buildings may have a row without a geometry: that is no label.
        """
        clean = clean_polygons(geometries, is_mended, narrowest)
        is_void = shapely.is_missing(geometries) | shapely.is_empty(geometries)
        is_dropped = np.zeros_like(is_void) if is_void.all() else clean.is_dropped
        is_twin = find_twins(clean.polygons)
        masks = {"repaired": clean.is_repaired, "split": clean.is_split, "dropped": is_dropped, "twins": is_twin}
        self._done.update({name: int(mask.sum()) for name, mask in masks.items()})
        self._apart = self._apart[0] + clean.apart[0], self._apart[1] + clean.apart[1]
        return clean.polygons[~is_twin]

    def say_cleaned(self) -> None:
        for name, count in self._done.items():
            if count:
                self.say(describe_done(name, count, use="conversion", apart=self._apart), level="warning")

    def tell(self, done: float, begin: float, end: float) -> None:
        self._progress.report(begin + (end - begin) * done)


def take_in(job: Job, folder: Path, progress: NotifyingProgress) -> Job:
    """Return a job whose raster is a file: a folder in SpaceNet's layout is converted into ``folder``/spacenet.

    Its labels and areas serve a job that names none. Raises InputError, RunError and CancelRequested.
    """
    if not Path(job.raster).is_dir():
        return job
    settings, source = job.settings, Path(job.raster)
    files = convert_folder(
        source,
        folder / "spacenet",
        progress,
        raster=f"{source.resolve().name}.vrt",
        held_out_share=settings.held_out_share,
        seed=settings.seed,
        may_replace=True,
    ).files
    if job.labels:
        return replace(job, raster=files["raster"])
    if not job.areas:
        job = replace(job, areas=files["areas"], areas_layer="")
    return replace(job, raster=files["raster"], labels=files["labels"], labels_layer="")


def convert_folder(
    folder: Path,
    out: Path,
    progress: NotifyingProgress,
    product: str = "",
    *,
    raster: str = RASTER,
    held_out_share: float = 0.25,
    seed: int = 1,
    may_replace: bool = False,
) -> Converted:
    """Write ``raster.vrt``, ``labels.gpkg`` and ``areas.gpkg`` of a folder in SpaceNet's layout into ``out``.

    ``raster`` is another name for the first of them. What is there already is replaced where it ``may_replace`` it, but
    for other layers of the GeoPackages.
    The areas are the labelled tiles where they hold data; of them some that stand for all, with about
    ``held_out_share`` of the buildings, have the role held-out, the others training. What had to be left out is told.
    Raises InputError where the folder holds nothing that can be used, RunError where a file cannot be written,
    CancelRequested.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", "Choose a folder as SpaceNet releases it, unpacked.")
    release = open_release(folder)
    chosen = choose_product(release, product)
    others = [other.name for other in release.products if other != chosen]
    also = f" There are also: {', '.join(sorted(others))}." if others else ""
    for name, layer in ((raster, ""), (LABELS, "labels"), (AREAS, "areas")):
        require_free(out / name, map(str, chosen.tiles), may_replace=may_replace, layer=layer)
    teller = _Teller(progress)
    teller.say(f'The raster is made of the tiles in "{chosen.name}".{also}')
    mosaic = lay_mosaic(_read_tiles(chosen, teller))
    polygons, owners, is_labelled = _read_labels(release, chosen, mosaic, teller)
    check_writable(out)
    write_vrt(out / raster, mosaic, _name_bands(chosen, mosaic.tiles[0]))
    ids = np.array(["_".join(read_image_id(tile.path.stem)) for tile in mosaic.tiles], dtype=object)
    with replacing_layer(out / LABELS) as partial:
        placed = apply_affine(polygons, mosaic.transform)
        append_layer(partial, placed, {"tile": ids[owners]}, mosaic.crs, "labels", is_begun=False)
    cells, places = _find_cells(mosaic, is_labelled)
    counts = count_inside(cells, shapely.point_on_surface(polygons))
    is_held_out = draw_alike(cells, counts, held_out_share, np.random.default_rng(seed))
    with replacing_layer(out / AREAS) as partial:
        columns = {"role": np.where(is_held_out, HELD_OUT, TRAINING).astype(object), "tile": ids[places]}
        append_layer(partial, apply_affine(cells, mosaic.transform), columns, mosaic.crs, "areas", is_begun=False)
    return Converted(out, raster, chosen.name, len(mosaic.tiles), int(is_labelled.sum()), len(polygons))


def _read_tiles(product: Product, teller: _Teller) -> list[Tile]:
    """Return the tiles that can be one raster, and tell of the others; of one piece of ground the last by name."""
    left_out: dict[str, int] = {}
    kept: dict[tuple[float, ...], Tile] = {}
    first: Tile | None = None
    for done, path in enumerate(product.tiles):
        teller.tell(done / len(product.tiles), 0, _SHARE_OF_TILES)
        tile = read_tile(path)
        reason = "cannot be read" if tile is None else "hold no data" if tile.ground.is_empty else ""
        if tile is not None and not reason:
            difference = find_difference(tile, first or tile)
            reason = f"have another {difference} than the first, or none that can be used" if difference else ""
        if tile is None or reason:
            left_out[reason] = left_out.get(reason, 0) + 1
            continue
        first = first or tile
        place = (*(round(value, 7) for value in tile.transform[:6]), tile.width, tile.height)
        if kept.pop(place, None):
            reason = "show the same place as a later one"
            left_out[reason] = left_out.get(reason, 0) + 1
        kept[place] = tile
    told = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
    if not kept:
        raise InputError(
            f"No tile of {product.name} can be used: {told}.", "Choose another product, or unpack the folder again."
        )
    if told:
        teller.say(f"Tiles of {product.name} were left out: {told}.", level="warning")
    return list(kept.values())


def _read_labels(
    release: Release, product: Product, mosaic: Mosaic, teller: _Teller
) -> tuple[Geometries, NDArray[np.int64], NDArray[np.bool_]]:
    """Return polygons in the mosaic's pixels, the tile of each, and which tiles are labelled (also with none)."""
    is_labelled = np.zeros(len(mosaic.tiles), dtype=bool)
    summary = read_summary(release, product)
    parts: list[Geometries] = [np.array([], dtype=object)]
    owners: list[int] = []
    for place, tile in enumerate(mosaic.tiles):
        teller.tell(place / len(mosaic.tiles), _SHARE_OF_TILES, 1)
        path = release.find_labels(tile.path)
        found = _read_summary_of(tile, summary, teller) if path is None else _read_geojson(path, tile, teller)
        if found is None:
            continue
        is_labelled[place] = True
        parts.append(apply_affine(found, ~mosaic.transform @ tile.transform))
        owners += [place] * len(found)
    pieces, origins = np.concatenate(parts), np.array(owners, dtype=np.int64)
    if len(pieces) == 0:
        raise InputError(
            f"No tile of {product.name} has labels: there is no GeoJSON file and no summary of their names.",
            f"Choose the folder that also holds the labels ({len(release.labels)} GeoJSON files were found).",
        )
    teller.say_cleaned()
    if not is_labelled.all():
        count = int((~is_labelled).sum())
        teller.say(f"{count} tiles have no labels, and are used neither for training nor for scoring.", level="warning")
    whole, firsts = unite(pieces, rejoin_cut(pieces, origins, mosaic.edges))
    if len(whole) < len(pieces):
        count = len(pieces) - len(whole)
        teller.say(f"{count} pieces of buildings that tiles had cut were joined; doubtful ones stay separate.")
    return whole, origins[firsts], is_labelled


def _read_geojson(path: Path, tile: Tile, teller: _Teller) -> Geometries | None:
    """Return a file's polygons in the tile's pixels (none for a file without features), None where they lie elsewhere.

    A file that names no coordinate system may be in degrees, in the tile's own, or in pixels.
    """
    layer = read_layer(str(path))
    polygons = clean_polygons(layer.geometries).polygons
    if len(polygons) == 0:
        return teller.clean(layer.geometries, 0.0)
    systems: list[CRS | None] = [layer.crs] if layer.crs and not layer.is_crs_implied else [layer.crs, tile.crs, None]
    frame = shapely.box(0, 0, tile.width, tile.height)
    for system in systems:
        if shapely.intersects(frame, _place(polygons, system, tile)).any():
            narrowest = find_narrowest(polygons, system) if system else _find_narrowest_px(tile)
            placed = _place(teller.clean(layer.geometries, narrowest, layer.is_mended), system, tile)
            return np.asarray(placed[shapely.intersects(frame, placed)])
    return None


def _place(polygons: Geometries, system: CRS | None, tile: Tile) -> Geometries:
    """Return polygons of a coordinate system (None: the tile's pixels) in the tile's pixels."""
    if system is None:
        return polygons
    return apply_affine(reproject_geometries(polygons, system, tile.crs), ~tile.transform)


def _find_narrowest_px(tile: Tile) -> float:
    frame = apply_affine([shapely.box(0, 0, tile.width, tile.height)], tile.transform)
    return find_narrowest(frame, tile.crs) / float(np.sqrt(abs(tile.transform.determinant)))


def _read_summary_of(tile: Tile, summary: Summary | None, teller: _Teller) -> Geometries | None:
    """Return the polygons that a summary names for a tile, None where it does not name the tile.

    Raises InputError where they count in the pixels of finer tiles.
    """
    key = None if summary is None else match_id(read_image_id(tile.path.stem), summary.polygons)
    if summary is None or key is None:
        return None
    shapes = np.asarray(shapely.from_wkt(summary.polygons[key], on_invalid="ignore"), dtype=object)
    polygons = teller.clean(shapes, _find_narrowest_px(tile))
    if len(polygons):
        right, bottom = shapely.total_bounds(polygons)[2:]
        if right > tile.width + _SLACK_PX or bottom > tile.height + _SLACK_PX:
            raise InputError(
                f"The summary {summary.path} counts in the pixels of finer tiles than {tile.path.name}.",
                "Choose another product, by its name: the summary's is a sharpened one.",
            )
    return polygons


def _find_cells(mosaic: Mosaic, is_labelled: NDArray[np.bool_]) -> tuple[Geometries, NDArray[np.int64]]:
    """Return the labelled ground in the mosaic's pixels, piece by piece, and the tile of each; few tiles are cut."""
    places = np.flatnonzero(is_labelled)
    grounds = apply_affine([mosaic.tiles[place].ground for place in places], ~mosaic.transform)
    if len(places) < _FEW_TILES:
        left, top, right, bottom = mosaic.windows[places].T.astype(float)
        across, down = (left + right) / 2, (top + bottom) / 2
        quarters = [(left, top, across, down), (across, top, right, down), (left, down, across, bottom)]
        quarters.append((across, down, right, bottom))
        grounds = np.concatenate([shapely.intersection(grounds, shapely.box(*quarter)) for quarter in quarters])
        places = np.tile(places, 4)
    cells, origins = explode_polygons(grounds)
    return cells, places[origins]


def _name_bands(product: Product, tile: Tile) -> tuple[str, ...]:
    """Return the names of the bands: as the tiles tell, else in the order in which SpaceNet releases them.

    The four bands of SpaceNet 4, and they alone, begin with blue.
    """
    if tile.colours:
        return tile.colours
    path = f"{product.name}/{tile.path.name}".lower()
    is_radar = "sar" in path
    if tile.count == len(NADIR_BAND_NAMES) and "nadir" in path:
        return NADIR_BAND_NAMES
    return () if is_radar else BAND_NAMES.get(tile.count, ())
