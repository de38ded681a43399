"""Small real rasters and vector files, made as they are needed, and a town that can be learnt."""

from __future__ import annotations

import json
import math
import shutil
import sys
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.features import rasterize
from rasterio.warp import transform as reproject
from scipy.ndimage import gaussian_filter

from plugin.core.events import parse_event
from plugin.core.folder import RunFolder
from plugin.core.models import find_card
from plugin.worker.downloads.download import download
from plugin.worker.runtime.channel import Channel
from tests.conftest import ROOT
from tests.worker.file_server import EXPECTED, FileServer
from tests.worker.spawn import read_events, run_worker

UTM = "EPSG:32645"
ORIGIN = Affine(0.5, 0, 333000, 0, -0.5, 3066000)
TOWN_PX = 512


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """Seed torch before each test and its fixtures: what it draws does not depend on the tests before."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


def write_raster(
    path,
    values=None,
    *,
    bands=3,
    dtype="uint8",
    size=(64, 64),
    crs=UTM,
    transform=ORIGIN,
    nodata=None,
    colours=None,
    alpha=None,
    colormap=None,
    **options,
):
    """Write a GeoTIFF of ``values`` (bands, height, width), noise where none are given, and return its path.

    ``colours`` names the bands' colours, ``alpha`` (height, width) becomes one band more, ``options`` are GDAL's.
    """
    if values is None:
        values = np.random.default_rng(5).integers(1, 120, (bands, *size))
    planes = [*values, alpha] if alpha is not None else list(values)
    shape = {"count": len(planes), "height": values.shape[1], "width": values.shape[2]}
    place = {"crs": crs, "transform": transform, "nodata": nodata}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", driver="GTiff", dtype=dtype, **shape, **place, **options) as target:
            if colormap:
                target.write_colormap(1, colormap)
            names = [*(colours or ["undefined"] * len(values)), *(["alpha"] if alpha is not None else [])]
            if not colormap:  # left alone, GDAL takes the fourth of four bands of bytes for alpha
                target.colorinterp = [ColorInterp[name] for name in names]
            target.write(np.stack(planes).astype(dtype))
    return path


def write_vector(path, geometries, crs=UTM, columns=None, kind="Unknown", layer=None):
    """Write shapely geometries with columns as a layer of a vector file, and return its path."""
    columns = columns or {"id": list(range(len(geometries)))}
    fields = [np.array(values, dtype=object if isinstance(values[0], str) else None) for values in columns.values()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        pyogrio.raw.write(
            str(path),
            geometry=np.asarray(shapely.to_wkb(np.asarray(geometries, dtype=object)), dtype=object),
            field_data=fields,
            fields=list(columns),
            geometry_type=kind,
            crs=crs,
            layer=layer or path.stem,
            append=path.exists(),
        )
    return path


def write_job(folder, raster, labels, settings=None, **fields):
    """Write a job into a new folder and return its path; ``fields`` and ``settings`` are the job's own."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"raster": str(raster), "labels": str(labels), "settings": settings or {}, **fields}
    path = folder / "job.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def place(polygons, transform=ORIGIN):
    """Return polygons in pixels at their coordinates."""
    return shapely.transform(np.asarray(polygons, dtype=object), lambda xy: np.column_stack(transform @ xy.T))


def make_square(col, row, side=10.0):
    """Return a square in pixels by its upper left corner."""
    return shapely.box(col, row, col + side, row + side)


def make_grid(count, step=40, side=12.0, left=10, top=10):
    """Return ``count`` x ``count`` square buildings in pixels."""
    return [make_square(left + step * i, top + step * j, side) for j in range(count) for i in range(count)]


@dataclass(frozen=True)
class Town:
    """A raster of 512 x 512 pixels of 0.5 m (EPSG:32645) and its ``buildings`` in pixels; labels in EPSG:4326."""

    raster: Path
    labels: Path
    buildings: np.ndarray

    def write_job(self, folder, settings=None, **fields):
        return write_job(folder, self.raster, self.labels, settings, **fields)


@pytest.fixture(scope="session")
def town(tmp_path_factory):
    """A town whose roofs are clearly brighter than its ground. Not to be changed: every test shares it."""
    folder = tmp_path_factory.mktemp("town")
    rng = np.random.default_rng(2019)
    buildings = _build(rng)
    raster = write_raster(folder / "town.tif", _paint(buildings, rng), colours=["red", "green", "blue"])
    degrees = shapely.transform(
        place(buildings), lambda xy: np.column_stack(reproject(UTM, "EPSG:4326", xy[:, 0], xy[:, 1]))
    )
    columns = {"name": [f"house {i}" for i in range(len(buildings))]}
    labels = write_vector(folder / "labels.gpkg", degrees, "EPSG:4326", columns, "Polygon", "buildings")
    return Town(raster, labels, buildings)


def _build(rng):
    """Return 60 rectangles of 8 to 20 pixels a side, every third turned a little, one to a lot of 64 x 64 pixels."""
    lots = [(32 + 64 * i, 32 + 64 * j) for j in range(8) for i in range(8)]
    chosen = sorted(rng.choice(len(lots), 60, replace=False))
    buildings = []
    for number in chosen:
        x, y = np.array(lots[number]) + rng.uniform(-12, 12, 2)
        width, height = rng.uniform(8, 20, 2)
        box = shapely.box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        buildings.append(shapely.affinity.rotate(box, rng.uniform(-40, 40)) if number % 3 == 0 else box)
    return np.array(buildings, dtype=object)


def _paint(buildings, rng):
    """Return the bands (3, side, side) of bytes: rolling, grainy, greenish ground and bright roofs, each its own."""
    rolling = gaussian_filter(rng.normal(size=(TOWN_PX, TOWN_PX)), 12) * 300
    ground = 75 + rolling + rng.normal(0, 8, (TOWN_PX, TOWN_PX))
    brightness = rng.uniform(185, 235, len(buildings))
    roofs = rasterize(zip(buildings, brightness, strict=True), (TOWN_PX, TOWN_PX), dtype="float64")
    grain = rng.normal(0, 5, (TOWN_PX, TOWN_PX))
    bands = [np.where(roofs > 0, roofs + grain, ground * tint) for tint in (0.95, 1.1, 0.8)]
    return np.clip(np.rint(bands), 1, 255)


class Ear:
    """A real channel that prints nothing; ``events`` are what it sent."""

    def __init__(self, path):
        self._path = path
        self.channel = Channel(is_spoken=False, listens=False)
        self.channel.copy_to(path)

    @property
    def events(self):
        return [parse_event(line) for line in self._path.read_text(encoding="utf-8").splitlines()]

    @property
    def notices(self):
        return [event.message for event in self.events if hasattr(event, "level")]


@pytest.fixture
def ear(tmp_path):
    return Ear(tmp_path / "heard.jsonl")


@pytest.fixture(scope="session")
def card():
    """The card of the base model: three bands, red, green and blue."""
    return find_card("imagenet_lite0")


@pytest.fixture
def make_raster(tmp_path):
    """Return a function that writes a GeoTIFF (see ``write_raster``) and returns its path."""
    return lambda values=None, name="raster.tif", **options: write_raster(tmp_path / name, values, **options)


@pytest.fixture
def make_vector(tmp_path):
    """Return a function that writes a vector file (see ``write_vector``) and returns its path."""
    return lambda geometries, name="labels.gpkg", **options: write_vector(tmp_path / name, geometries, **options)


@pytest.fixture
def make_labels(make_vector):
    """Return a function that writes polygons in pixels of ``ORIGIN`` as labels and returns their path."""
    return lambda polygons, name="labels.gpkg", **options: make_vector(place(polygons), name, **options)


@pytest.fixture
def grid():
    """Return a function that gives n x n square buildings in pixels."""
    return make_grid


@pytest.fixture(scope="session")
def small_model(tmp_path_factory):
    """The path of a base model's card whose recipe is small enough for tests: the ImageNet start, in small crops."""
    recipe = replace(find_card("imagenet_lite0").recipe, tile_px=128, batch_size=4, crops_per_epoch=32)
    path = tmp_path_factory.mktemp("models") / "small.json"
    replace(find_card("imagenet_lite0"), name="small", recipe=recipe).save(path)
    return path


@pytest.fixture(scope="session")
def make_town_job(town, small_model):
    """Return a function that writes a job of the town into a folder and returns its path; settings by name."""
    return lambda folder, **settings: town.write_job(folder, settings, base_model=str(small_model))


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory, make_town_job):
    """The folder of a finished run of the town, and what its worker said. Not to be changed: every test shares it."""
    folder = RunFolder(tmp_path_factory.mktemp("finished"))
    make_town_job(folder.path, epochs=3)
    done = run_worker("run", folder.job)
    assert done.returncode == 0, done.stderr
    return folder, read_events(done.stdout)


@pytest.fixture
def own_run(finished_run, tmp_path):
    """The folder of a copy of the finished run, to be changed at will."""
    shutil.copytree(finished_run[0].path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def _project_to_utm(lon, lat, zone):
    """Return UTM coordinates on WGS 84 by Krueger's series (to n**4): an oracle that shares no code with PROJ."""
    f = 1 / 298.257223563
    n = f / (2 - f)
    radius = 6378137 / (1 + n) * (1 + n**2 / 4 + n**4 / 64)
    alphas = (
        n / 2 - 2 / 3 * n**2 + 5 / 16 * n**3 + 41 / 180 * n**4,
        13 / 48 * n**2 - 3 / 5 * n**3 + 557 / 1440 * n**4,
        61 / 240 * n**3 - 103 / 140 * n**4,
        49561 / 161280 * n**4,
    )
    sine, k = math.sin(math.radians(lat)), 2 * math.sqrt(n) / (1 + n)
    t = math.sinh(math.atanh(sine) - k * math.atanh(k * sine))
    around = math.radians(lon - (6 * zone - 183))
    xi, eta = math.atan2(t, math.cos(around)), math.atanh(math.sin(around) / math.hypot(1, t))
    terms = list(enumerate(alphas, 1))
    east = eta + sum(a * math.cos(2 * j * xi) * math.sinh(2 * j * eta) for j, a in terms)
    north = xi + sum(a * math.sin(2 * j * xi) * math.cosh(2 * j * eta) for j, a in terms)
    return 500000 + 0.9996 * radius * east, 0.9996 * radius * north


@pytest.fixture
def project_to_utm():
    """Return a function that gives the UTM coordinates of a longitude and a latitude in a zone."""
    return _project_to_utm


@pytest.fixture
def file_server(secure_server, certificate, monkeypatch):
    """The file at /weights.pth on a server whose certificate is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    made = FileServer()
    secure_server.replies["/weights.pth"] = made
    return made


@pytest.fixture
def target(tmp_path):
    return tmp_path / "models" / "weights.pth"


@pytest.fixture
def fetch(secure_server, target, ear):
    """Return a function that fetches what lies at a path of the server."""
    return lambda expected=EXPECTED, path="/weights.pth": download(
        secure_server.locate(path), target, expected, ear.channel
    )


_RULES = json.loads((ROOT / "resources/help/report.schema.json").read_text("utf-8"))
_TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def _is_of_type(value, name):
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, _TYPES[name])


def _find_faults(value, rule, path="report"):
    """Return what is wrong with a value by the part of JSON Schema that the report's schema uses."""
    if "$ref" in rule:
        return _find_faults(value, _RULES["$defs"][rule["$ref"].rpartition("/")[2]], path)
    kinds = np.atleast_1d(rule.get("type", ["object", "array", "number", "string"])).tolist()
    if not any(_is_of_type(value, kind) for kind in kinds):
        return [f"{path} is not of type {' or '.join(kinds)}"]
    if isinstance(value, dict):
        return _find_faults_of_object(value, rule, path)
    if isinstance(value, list):
        return _find_faults_of_list(value, rule, path)
    if value != rule.get("const", value):
        return [f"{path} is not {rule['const']}"]
    is_beyond = _is_of_type(value, "number") and not rule.get("minimum", -np.inf) <= value <= rule.get(
        "maximum", np.inf
    )
    return [f"{path} is {value}"] if is_beyond else []


def _find_faults_of_list(value, rule, path):
    faults = [fault for i, each in enumerate(value) for fault in _find_faults(each, rule["items"], f"{path}[{i}]")]
    is_right_length = rule.get("minItems", 0) <= len(value) <= rule.get("maxItems", np.inf)
    return faults if is_right_length else [*faults, f"{path} has {len(value)} items"]


def _find_faults_of_object(value, rule, path):
    known, others = rule.get("properties", {}), rule.get("additionalProperties", True)
    faults = [f"{path}.{name} is missing" for name in rule.get("required", ()) if name not in value]
    for name, each in value.items():
        if name in known:
            faults += _find_faults(each, known[name], f"{path}.{name}")
        elif others is False:
            faults.append(f"{path}.{name} is not in the schema")
        elif others is not True:
            faults += _find_faults(each, others, f"{path}.{name}")
    return faults


@pytest.fixture(scope="session")
def find_faults():
    """Return a function that says what is wrong with a report by its schema, as a list of sentences."""
    return lambda report: _find_faults(report, _RULES)
