"""Vector files, read and written through GDAL."""

from __future__ import annotations

import contextlib
import re
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyogrio
import pyogrio.util
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError, FieldError
from rasterio.crs import CRS
from rasterio.errors import CRSError

from ...core.atomic_file import replacing
from ...core.errors import InputError, RunError
from ...core.made_layers import MADE_KEY
from ...core.vector_source import split_source
from .crs import is_usable, move_points
from .date_line import unwrap_geometries
from .open_errors import advise_vector

# pyogrio takes "!", ";", "?" and line ends in a name for parts of an address; what is opened here is always a file
pyogrio.util._parse_uri = lambda path: (path, "", "")  # noqa: SLF001 - it has no other switch

Geometries: TypeAlias = "NDArray[np.object_]"

SURFACES = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON, shapely.GeometryType.GEOMETRYCOLLECTION)

#: In which column of a CSV file the geometry is looked for, the likeliest first.
_WKT_COLUMNS = ("PolygonWKT_Pix", "WKT", "wkt_geom", "geometry", "geom", "the_geom", "PolygonWKT_Geo")
_LOOK_BYTES = 65536
_KNOWN_WARNINGS = "Measured|More than one layer|Several features with id"  # M values and identities are not asked for
#: Words in the names of geometry types whose layers may hold polygons.
_SURFACES = ("polygon", "surface", "unknown", "collection")
#: A table of a GeoPackage, as GDAL writes it.
_CONTAINER = re.compile(r"GPKG:(?P<file>.+):(?P<table>[^:/\\]+)", re.IGNORECASE | re.DOTALL)
#: Kinds of files that hold one layer each.
_SINGLE = (".csv", ".geojson", ".fgb")
_NO_POLYGONS = ("", "CSV", "VDV")
_GPKG_VERSION = "1.2"  # later ones make the GDAL of QGIS 3.22 complain


@dataclass(frozen=True)
class Layer:
    """A vector layer in memory: geometries (shapely, None for a feature without), columns of the same length, CRS.

    ``crs`` is None for none, and for one without a place on the earth. ``is_crs_implied`` tells of a GeoJSON file that
    names none: by its standard it is in degrees, but many hold pixels. ``is_mended`` tells of each feature whether a
    ring had to be closed.
    """

    geometries: Geometries
    columns: dict[str, NDArray[Any]]
    crs: CRS | None
    is_crs_implied: bool = False
    is_mended: NDArray[np.bool_] | None = None


def read_layer(path: str, layer: str = "") -> Layer:
    """Read a layer of a vector file, in two dimensions; ``path`` may name it itself, as ``FILE|LAYER``.

    Where none is named it is the only one with polygons. Curves become lines; a geometry with coordinates that are no
    numbers is None. Of a CSV file the geometry is a column of WKT, such as SpaceNet's ``PolygonWKT_Pix``. Raises
    InputError where the file cannot be read, and where several layers hold polygons.
    """
    if not layer:
        path, layer = split_source(path)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", _KNOWN_WARNINGS)
            layer = layer or _choose_layer(path)
            meta, _, wkb, columns = pyogrio.raw.read(path, layer=layer or None, force_2d=True, **_choose_options(path))
    except (DataSourceError, DataLayerError, FieldError, ValueError) as error:
        said = str(error).partition("; It might help to specify the correct driver")[0]  # of pyogrio: no help at all
        raise InputError(f"The vector file {path} cannot be read: {said}", _advise_reading(path, error)) from error
    if wkb is None:
        raise InputError(f"The layer {layer or path} has no geometry.", "Choose a polygon layer.")
    geometries, is_mended = _parse(wkb)
    names = [str(name) for name in meta["fields"]]
    crs = _read_crs(meta["crs"], path)
    is_implied = crs is not None and _is_crs_implied(path)
    return Layer(geometries, dict(zip(names, columns, strict=True)), crs, is_implied, is_mended)


def _parse(wkb: NDArray[Any]) -> tuple[Geometries, NDArray[np.bool_]]:
    """Return the geometries of WKB, and which of them had rings to close."""
    with np.errstate(invalid="ignore"):
        geometries = np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"), dtype=object)
        is_broken = shapely.is_missing(geometries) & np.array([each is not None for each in wkb], dtype=bool)
        geometries[is_broken] = shapely.from_wkb(wkb[is_broken], on_invalid="fix")
    points, owners = shapely.get_coordinates(geometries, return_index=True)
    geometries[np.unique(owners[~np.isfinite(points).all(axis=1)])] = None
    return geometries, is_broken & ~shapely.is_missing(geometries)


def _choose_layer(path: str) -> str:
    """Return the file's only layer with polygons, "" for its first where none has any."""
    if Path(path).suffix.lower() in _SINGLE:
        return ""
    layers = [(str(name), str(kind or "").lower()) for name, kind in pyogrio.list_layers(path)]
    container = _CONTAINER.fullmatch(path)
    if container and container["table"] in dict(layers):
        return container["table"]
    if len(layers) < 2:
        return ""
    found = [(name, kind) for name, kind in layers if any(word in kind for word in _SURFACES)]
    if len(found) > 1:
        found = [(name, kind) for name, kind in found if _holds_polygons(path, name, kind)] or found[:1]
    names = [name for name, _ in found]
    if len(names) > 1:
        raise InputError(
            f"{path} holds several layers with polygons, and none of them is named: {', '.join(names)}.",
            f'Name the one that is meant: "{container["file"] if container else path}|{names[0]}".',
        )
    return names[0] if names else ""


def _holds_polygons(path: str, layer: str, kind: str) -> bool:
    """Tell whether a layer holds a polygon; one of polygons alone holds one unless it is empty."""
    if "unknown" not in kind and "collection" not in kind:
        return bool(pyogrio.read_info(path, layer=layer)["features"])
    wkb = pyogrio.raw.read(path, layer=layer, columns=[], force_2d=True)[2]
    kinds = shapely.get_type_id(shapely.from_wkb(wkb, on_invalid="fix"))
    return bool(np.isin(kinds, SURFACES).any())


def _advise_reading(path: str, error: Exception) -> str:
    if isinstance(error, DataLayerError):
        return f"Its layers: {', '.join(list_layers(path))}."
    return advise_vector(path)


def list_layers(path: str | Path) -> list[str]:
    """Return the names of a vector file's layers; raises InputError where it cannot be read."""
    try:
        return [str(name) for name, _ in pyogrio.list_layers(path)]
    except DataSourceError as error:
        raise InputError(
            f"The vector file {path} cannot be read: {error}", "Is it incomplete? Then delete it."
        ) from error


def _choose_options(path: str) -> dict[str, str]:
    """Return GDAL's options for opening the file."""
    if Path(path).suffix.lower() != ".csv":
        return {}
    header = _look(path)[0].partition(b"\n")[0].decode("utf-8", "replace")
    present = {name.strip('\ufeff"\r ').lower() for name in re.split("[,;|\t]", header)}
    chosen = next((name for name in _WKT_COLUMNS if name.lower() in present), _WKT_COLUMNS[0])
    return {"GEOM_POSSIBLE_NAMES": chosen, "KEEP_GEOM_COLUMNS": "NO"}


def _read_crs(text: str | None, path: str) -> CRS | None:
    try:
        crs = CRS.from_user_input(text) if text else None
    except CRSError as error:
        raise InputError(
            f"The coordinate system of {path} is not understood: {error}", "Set another one for the layer."
        ) from error
    return crs if crs is not None and is_usable(crs) else None


def _is_crs_implied(path: str) -> bool:
    head, tail = _look(path)
    is_json = head.lstrip(b"\xef\xbb\xbf\x1e \t\r\n").startswith(b"{")
    return is_json and not re.search(rb'"crs"\s*:\s*\{', head + tail)


def _look(path: str) -> tuple[bytes, bytes]:
    """Return the file's first and last bytes, nothing where GDAL alone can open it."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(_LOOK_BYTES)
            file.seek(max(len(head), file.seek(0, 2) - _LOOK_BYTES))
            return head, file.read()
    except OSError:
        return b"", b""


def name_layer(path: Path) -> str:
    """Return the name of a file's only layer: the file's own, with which a GeoPackage's tables may begin."""
    return path.stem if re.match(r"\w", path.stem) else f"_{path.stem}"


@contextlib.contextmanager
def replacing_layer(path: Path) -> Iterator[Path]:
    """Yield a copy of a GeoPackage, or a name where there is none, that takes its place once a layer is written."""
    with replacing(path) as partial:
        if path.suffix.lower() == ".gpkg" and path.exists() and path.stat().st_size:
            shutil.copyfile(path, partial)
        yield partial


def require_vector_name(path: Path) -> None:
    """Raise InputError where a name's ending is of no format in which polygons can be written."""
    try:
        driver = "" if path.suffix.lower() == ".zip" else pyogrio.detect_write_driver(path.name)
    except ValueError:
        driver = ""
    if driver in _NO_POLYGONS:
        raise InputError(f'"{path}" has no ending of a vector format.', "Give it a name that ends in .gpkg.")


def append_layer(
    path: Path,
    geometries: Sequence[Any] | Geometries,
    columns: Mapping[str, Sequence[Any] | NDArray[Any]],
    crs: CRS | None,
    layer: str,
    *,
    kind: str = "Polygon",
    is_begun: bool = True,
    made: str = "",
) -> None:
    """Add a layer of polygons to a GeoPackage, or features to a layer of it; raises RunError.

    Its type is ``kind``: of MultiPolygon the geometries may be either, of Unknown any, which stay as they are. Others
    are valid in the layer's coordinate system when they are written, and their shells run counter-clockwise. Where it
    is not ``is_begun``, a layer of this name is replaced; other layers of the file always stay.
    The layer says that the plugin ``made`` it, where that is given.
    """
    shapes = np.asarray(geometries, dtype=object)
    if kind != "Unknown":
        shapes = _make_sound(shapes)
        is_multi = shapely.get_type_id(shapes) == shapely.GeometryType.MULTIPOLYGON
        kind = "MultiPolygon" if is_multi.any() else kind
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "'crs' was not provided")  # a layer of pixels has none
            pyogrio.raw.write(
                str(path),
                geometry=np.asarray(shapely.to_wkb(shapes), dtype=object),
                field_data=[_as_column(values) for values in columns.values()],
                fields=list(columns),
                geometry_type=kind,
                crs=None if crs is None else crs.to_wkt(),
                layer=layer,
                append=is_begun and path.exists(),
                promote_to_multi=kind == "MultiPolygon",
                layer_metadata={MADE_KEY: made} if made else None,
                dataset_options=None if path.exists() else {"VERSION": _GPKG_VERSION},
            )
    except (OSError, RuntimeError, ValueError) as error:
        raise RunError(f"{path} could not be written: {error}", "Is the disk full, or the folder read-only?") from error


def _make_sound(geometries: Geometries) -> Geometries:
    """Return polygons that are valid and wound as the standard asks; of one that was not, what it covers."""
    is_broken = ~shapely.is_valid(geometries) & ~shapely.is_missing(geometries)
    sound = geometries.copy()
    sound[is_broken] = shapely.make_valid(geometries[is_broken], method="structure", keep_collapsed=False)
    return np.asarray(shapely.orient_polygons(sound), dtype=object)


def _as_column(values: Sequence[Any] | NDArray[Any]) -> NDArray[Any]:
    column = np.asarray(values)
    return column.astype(object) if column.dtype.kind in "US" else column


def reproject_geometries(geometries: Geometries, source: CRS, target: CRS, near_x: float | None = None) -> Geometries:
    """Return the geometries in another coordinate system, vertex by vertex; None for what has no place there.

    What lies across the date line is one piece there; with ``near_x`` all lie at that end of a system that goes round
    the earth.
    """
    geometries = unwrap_geometries(geometries, source, near_x if source == target else None)
    return geometries if source == target else unwrap_geometries(_move(geometries, source, target), target, near_x)


def _move(geometries: Geometries, source: CRS, target: CRS) -> Geometries:
    points, owners = shapely.get_coordinates(geometries, return_index=True)
    moved = move_points(source, target, points)
    lost = np.unique(owners[np.isnan(moved).any(axis=1)])
    result = geometries.copy()
    result[lost] = None
    return np.asarray(shapely.set_coordinates(result, moved[~np.isin(owners, lost)]), dtype=object)
