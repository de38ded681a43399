"""Footprint, boundary and contact against the reference's 50 masks, pixel by pixel.

The reference lies beside the project, in ../shared/conformance; where it is absent these tests are skipped, and
test_masks.py holds the same rules by small cases of our own.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.crs import CRS

from plugin.worker.geodata.rasterize import PolygonIndex
from plugin.worker.geodata.vector import reproject_geometries
from plugin.worker.training.targets import find_boundary, find_contacts
from tests.conftest import ROOT

MASKS = ROOT.parent / "shared" / "conformance" / "masks"
LIST = MASKS / "expected" / "masks.json"
ENTRIES = json.loads(LIST.read_text("utf-8")) if LIST.exists() else {}
CASES = {name: entry for name, entry in ENTRIES.items() if not name.startswith("_")}
pytestmark = pytest.mark.skipif(not CASES, reason="the reference (../shared/conformance/masks) is not here")
METRIC = {"ref_wgs84_256.tif": (CRS.from_epsg(4326), CRS.from_epsg(32636))}


def read_transform(reference):
    if not reference.endswith(".tif"):
        return Affine(*ENTRIES["_sample_geotiff"]["transform"])
    with rasterio.open(MASKS / "inputs" / reference) as dataset:
        return dataset.transform


def read_polygons(entry):
    content = json.loads((MASKS / "inputs" / entry["input"]).read_text("utf-8"))
    shapes = [shapely.from_geojson(json.dumps(feature["geometry"])) for feature in content["features"]]
    return np.array(shapes, dtype=object)


def read_expected(name, entry):
    bits = np.load(MASKS / "expected" / "masks.npz")[name.replace("/", "__")]
    count = int(np.prod(entry["shape"]))
    return np.unpackbits(bits)[:count].reshape(entry["shape"]).reshape(*entry["shape"][:2], -1)


def draw_contacts(entry, polygons, transform):
    """Return the contacts in pixels; the reference buffers labels in degrees in the UTM zone of their place."""
    parameters = entry["params"]
    spacing = parameters.get("contact_spacing", 10)
    if entry.get("reference") in METRIC:
        degrees, utm = METRIC[entry["reference"]]
        found = find_contacts(reproject_geometries(polygons, degrees, utm), spacing)
        return to_pixels(reproject_geometries(found, utm, degrees), transform)
    side = abs(transform.a) if parameters.get("meters") else 1.0
    return find_contacts(to_pixels(polygons, transform), spacing / side)


def to_pixels(polygons, transform):
    return shapely.transform(polygons, lambda xy: np.column_stack(~transform @ xy.T))


def draw(entry, channel):
    transform = read_transform(entry["reference"]) if "reference" in entry else Affine.identity()
    polygons, frame = read_polygons(entry), (Affine.identity(), tuple(entry["shape"][:2]))
    footprint = PolygonIndex(to_pixels(polygons, transform)).draw_frame(*frame)
    if channel == "footprint":
        return footprint > 0
    if channel == "contact":
        contacts = draw_contacts(entry, polygons, transform)
        return (PolygonIndex(contacts).draw_frame(*frame) > 0) & (footprint == 0)
    is_outer = entry["params"].get("boundary_type", "inner") == "outer"
    return find_boundary(footprint, entry["params"].get("boundary_width", 3), is_outer=is_outer)


def list_channels(entry):
    if len(entry["shape"]) == 2:
        return [entry["fn"].removesuffix("_mask")]
    return entry["params"].get("channels", ["footprint", "boundary", "contact"])


@pytest.mark.parametrize("name", CASES)
def test_a_mask_of_the_reference_is_met_to_the_pixel(name):
    entry = CASES[name]
    drawn = np.stack([draw(entry, channel) for channel in list_channels(entry)], axis=-1)
    assert int((drawn != read_expected(name, entry)).sum()) == 0
    assert int(drawn.sum()) == entry["burned_pixels"]


def test_all_fifty_masks_are_here():
    assert len(CASES) == 50
