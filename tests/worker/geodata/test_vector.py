"""Vector files: any that GDAL can open, in two dimensions, with straight lines, and one coordinate system or none."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import struct

import numpy as np
import pyogrio
import pytest
import shapely
from rasterio.crs import CRS

from plugin.core.errors import InputError, RunError
from plugin.worker.geodata.vector import append_layer, read_layer, reproject_geometries

UTM = CRS.from_epsg(32645)
SQUARE = shapely.box(333000, 3065900, 333010, 3065910)
#: A building with a round wall: a half circle of 5 m on a square of 10 m.
CURVED_GML = """<?xml version="1.0"?>
<f:FeatureCollection xmlns:f="http://ogr.maptools.org/" xmlns:gml="http://www.opengis.net/gml">
<f:featureMember><f:house gml:id="h.0"><f:shape><gml:Polygon srsName="EPSG:32645"><gml:exterior><gml:Ring>
<gml:curveMember><gml:Curve><gml:segments>
<gml:LineStringSegment><gml:posList>333010 3065900 333010 3065910 333000 3065910 333000 3065900</gml:posList>
</gml:LineStringSegment>
<gml:Arc><gml:posList>333000 3065900 333005 3065895 333010 3065900</gml:posList></gml:Arc>
</gml:segments></gml:Curve></gml:curveMember></gml:Ring></gml:exterior></gml:Polygon></f:shape></f:house>
</f:featureMember></f:FeatureCollection>"""


def refusal_of(path, layer=""):
    with pytest.raises(InputError) as caught:
        read_layer(str(path), layer)
    assert caught.value.hint
    return caught.value


def write_geojson(path, polygons, **members):
    features = [
        {"type": "Feature", "properties": {}, "geometry": json.loads(shapely.to_geojson(polygon))}
        for polygon in polygons
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", **members, "features": features}), "utf-8")
    return str(path)


# -- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp", ".fgb"])
def test_a_layer_is_read_with_its_columns_and_its_coordinate_system(make_vector, suffix):
    path = make_vector([SQUARE], f"houses{suffix}", columns={"name": ["Ä"], "floors": [3]}, kind="Polygon")
    layer = read_layer(str(path))
    assert layer.geometries[0].equals(SQUARE)
    assert layer.columns["name"].tolist() == ["Ä"]
    assert layer.columns["floors"].tolist() == [3]
    assert layer.crs == UTM
    assert not layer.is_crs_implied


@pytest.mark.parametrize("form", ["{}|second", "{}|layername=second", "{}|layername=second|geometrytype=Polygon"])
def test_a_layer_is_found_by_its_name_in_any_form(make_vector, form):
    path = make_vector([SQUARE], layer="first")
    make_vector([SQUARE, SQUARE], layer="second")
    assert len(read_layer(str(path), "second").geometries) == 2
    assert len(read_layer(form.format(path)).geometries) == 2


def test_of_several_layers_with_polygons_none_is_taken_unasked(make_vector):
    path = make_vector([SQUARE], layer="parcels", kind="Polygon")
    make_vector([SQUARE], layer="buildings")
    error = refusal_of(path)
    assert "parcels, buildings" in error.message
    assert f'"{path}|parcels"' in error.hint


def test_layers_without_a_polygon_do_not_count(make_vector):
    path = make_vector([SQUARE.centroid], layer="trees", kind="Point")
    make_vector([SQUARE.boundary], layer="roads")
    make_vector([SQUARE, SQUARE], layer="buildings")
    assert len(read_layer(str(path)).geometries) == 2
    append_layer(path, [], {}, None, "sketches")
    assert len(read_layer(str(path)).geometries) == 2


def test_a_file_whose_own_name_holds_the_sign_is_taken_as_it_is(make_vector):
    path = make_vector([SQUARE], "south|north.gpkg", layer="first")
    make_vector([SQUARE, SQUARE], "south|north.gpkg", layer="a|b")
    assert len(read_layer(f"{path}|first").geometries) == 1
    assert len(read_layer(f"{path}|layername=a|b").geometries) == 2
    assert "first, a|b" in refusal_of(path).message


def test_a_filter_behind_the_files_name_is_refused(make_vector):
    assert "subset" in refusal_of(f"{make_vector([SQUARE])}|layername=labels|subset=id = 1").message


def test_a_layer_that_is_not_there_is_refused_by_its_name(make_vector):
    error = refusal_of(make_vector([SQUARE]), "roofs")
    assert "roofs" in error.message
    assert error.hint == "Its layers: labels."


def test_a_file_that_is_not_there_is_refused_with_a_next_step(tmp_path):
    error = refusal_of(tmp_path / "none.gpkg")
    assert "cannot be read" in error.message
    assert error.hint == "The file is not there: was it moved?"


@pytest.mark.parametrize("content", [b"", b"no vectors at all", b"SQLite format 3\x00"])
def test_an_unreadable_file_is_refused_with_a_next_step(tmp_path, content):
    (tmp_path / "broken.gpkg").write_bytes(content)
    assert "that QGIS can open" in refusal_of(tmp_path / "broken.gpkg").hint


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson"])
def test_a_truncated_file_is_refused_with_a_next_step(make_vector, suffix):
    path = make_vector([SQUARE] * 500, f"labels{suffix}", kind="Polygon")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "cannot be read" in refusal_of(path).message


def test_a_table_without_geometry_is_refused_with_a_next_step(tmp_path):
    (tmp_path / "table.csv").write_text("a,b\n1,2\n", "utf-8")
    assert "has no geometry" in refusal_of(tmp_path / "table.csv").message


def test_a_feature_without_geometry_is_none(make_vector):
    assert read_layer(str(make_vector([SQUARE, None]))).geometries[1] is None


def test_a_path_with_blanks_and_letters_beyond_ascii_is_no_trouble(make_vector, tmp_path):
    (tmp_path / "Häuser und Dächer").mkdir()
    path = make_vector([SQUARE], "Häuser und Dächer/नेपाल.gpkg")
    assert len(read_layer(str(path)).geometries) == 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["Z", "M", "ZM"])
def test_heights_and_measures_are_left_behind_without_a_word(tmp_path, kind):
    wkt = {
        "Z": "POLYGON Z ((0 0 5, 10 0 5, 10 10 6, 0 0 5))",
        "M": "POLYGON M ((0 0 5, 10 0 5, 10 10 6, 0 0 5))",
        "ZM": "POLYGON ZM ((0 0 5 1, 10 0 5 1, 10 10 6 1, 0 0 5 1))",
    }[kind]
    path = tmp_path / "high.csv"
    path.write_text(f'WKT,id\n"{wkt}",1\n', "utf-8")
    layer = read_layer(str(path))
    assert layer.geometries[0].equals(shapely.Polygon([(0, 0), (10, 0), (10, 10)]))
    assert not shapely.has_z(layer.geometries).any()


def test_curves_become_lines(tmp_path):
    path = tmp_path / "curved.gml"
    path.write_text(CURVED_GML, "utf-8")
    layer = read_layer(str(path))
    assert layer.geometries[0].geom_type == "Polygon"
    assert layer.geometries[0].area == pytest.approx(100 + np.pi * 25 / 2, rel=1e-3)


def test_a_ring_that_is_not_closed_is_closed(tmp_path):
    """GDAL keeps such rings as they are; shapely alone would refuse the whole file for one of them."""
    ring = [0, 0, 10, 0, 10, 10, 0, 10]
    wkb = struct.pack("<BIII", 1, 3, 1, 4) + struct.pack("<8d", *ring)
    path = tmp_path / "open.gpkg"
    pyogrio.raw.write(
        str(path),
        geometry=np.array([wkb, shapely.to_wkb(SQUARE)], dtype=object),
        field_data=[np.array([1, 2])],
        fields=["id"],
        geometry_type="Polygon",
        crs="EPSG:32645",
    )
    assert shapely.area(read_layer(str(path)).geometries).tolist() == [100, 100]


# -- coordinate systems -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".fgb"])
def test_a_file_without_a_coordinate_system_has_none(make_vector, suffix):
    layer = read_layer(str(make_vector([SQUARE], f"pixels{suffix}", crs=None, kind="Polygon")))
    assert layer.crs is None
    assert not layer.is_crs_implied


def test_a_drawings_own_system_is_none(make_vector):
    assert read_layer(str(make_vector([SQUARE], crs='LOCAL_CS["A drawing",UNIT["metre",1]]'))).crs is None


def test_a_geojson_that_names_no_coordinate_system_is_said_to_be_in_degrees_by_implication(tmp_path):
    layer = read_layer(write_geojson(tmp_path / "plain.geojson", [shapely.box(0, 0, 1, 1)]))
    assert layer.crs == CRS.from_epsg(4326)
    assert layer.is_crs_implied


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326", "EPSG:32645"])
def test_a_geojson_that_names_its_coordinate_system_means_it(tmp_path, name):
    crs = {"type": "name", "properties": {"name": name}}
    layer = read_layer(write_geojson(tmp_path / "named.geojson", [shapely.box(0, 0, 1, 1)], crs=crs))
    assert layer.crs is not None
    assert not layer.is_crs_implied


def test_a_geojson_that_names_its_coordinate_system_at_its_end_means_it_too(tmp_path):
    path = tmp_path / "late.geojson"
    write_geojson(path, [shapely.box(0, 0, 1, 1)] * 2000)
    content = json.loads(path.read_text("utf-8"))
    content["crs"] = {"type": "name", "properties": {"name": "EPSG:32645"}}
    path.write_text(json.dumps(content), "utf-8")
    layer = read_layer(str(path))
    assert layer.crs == UTM
    assert not layer.is_crs_implied


def test_a_geojson_that_says_that_it_has_no_coordinate_system_is_one_that_names_none(tmp_path):
    """``"crs": null`` is how the format's older standard says that the coordinates are nowhere in particular."""
    layer = read_layer(write_geojson(tmp_path / "null.geojson", [shapely.box(0, 0, 1, 1)], crs=None))
    assert layer.crs is None or layer.is_crs_implied


def test_geometries_are_moved_vertex_by_vertex_holes_and_parts_too():
    holed = shapely.box(85.30, 27.70, 85.31, 27.71) - shapely.box(85.302, 27.702, 85.304, 27.704)
    both = shapely.MultiPolygon([holed, shapely.box(85.32, 27.7, 85.33, 27.71)])
    moved = reproject_geometries(np.array([both, None, holed], dtype=object), CRS.from_epsg(4326), UTM)
    assert shapely.get_num_coordinates(moved).tolist() == [15, 0, 10]
    back = reproject_geometries(moved, UTM, CRS.from_epsg(4326))
    assert shapely.equals_exact(back[0], both, 1e-9)
    assert moved[1] is None


def test_the_geometries_that_are_given_are_not_changed():
    given = np.array([shapely.box(85.30, 27.70, 85.31, 27.71)], dtype=object)
    before = given[0].wkt
    reproject_geometries(given, CRS.from_epsg(4326), UTM)
    assert given[0].wkt == before


def test_what_has_no_place_in_the_other_system_is_none_and_spoils_nothing_else():
    given = np.array([SQUARE, shapely.box(1e12, 1e9, 2e12, 2e9), SQUARE], dtype=object)
    moved = reproject_geometries(given, UTM, CRS.from_epsg(4326))
    assert shapely.is_missing(moved).tolist() == [False, True, False]


# -- tables of WKT ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["PolygonWKT_Pix", "WKT", "geometry", "PolygonWKT_Geo"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_table_with_a_column_of_wkt_is_a_layer(tmp_path, column, mark):
    path = tmp_path / "houses.csv"
    rows = [
        ["ImageId", column, "Confidence"],
        ["a", '"POLYGON ((0 0, 9 0, 9 9, 0 0))"', "0.5"],
        ["b", "POLYGON EMPTY", ""],
    ]
    path.write_text("\n".join(mark.join(row) for row in rows), "utf-8")
    layer = read_layer(str(path))
    assert shapely.area(layer.geometries).tolist() == [40.5, 0]
    assert layer.columns["ImageId"].tolist() == ["a", "b"]
    assert layer.crs is None


def test_of_spacenets_two_columns_of_wkt_the_pixels_are_taken(tmp_path):
    path = tmp_path / "truth.csv"
    pixels, degrees = "POLYGON ((0 0 0,9 0 0,9 9 0,0 0 0))", "POLYGON ((5 5 0,5.1 5 0,5.1 5.1 0,5 5 0))"
    path.write_text(f'ImageId,PolygonWKT_Geo,PolygonWKT_Pix\na,"{degrees}","{pixels}"\n', "utf-8-sig")
    assert read_layer(str(path)).geometries[0].area == 40.5


# -- writing ----------------------------------------------------------------------------------------------------------


def test_a_layer_is_read_back_as_it_was_written(tmp_path):
    columns = {"confidence": np.array([0.5, 0.25]), "role": np.array(["a", "ä"])}
    append_layer(tmp_path / "out.gpkg", [SQUARE, SQUARE], columns, UTM, "made")
    layer = read_layer(str(tmp_path / "out.gpkg"), "made")
    assert shapely.equals(layer.geometries, [SQUARE, SQUARE]).all()
    assert layer.columns["confidence"].tolist() == [0.5, 0.25]
    assert layer.columns["role"].tolist() == ["a", "ä"]
    assert layer.crs == UTM


def test_a_layer_without_features_is_a_layer_all_the_same(tmp_path):
    append_layer(tmp_path / "none.gpkg", [], {"confidence": np.array([], dtype=float)}, UTM, "none")
    layer = read_layer(str(tmp_path / "none.gpkg"))
    assert len(layer.geometries) == 0
    assert layer.crs == UTM


def test_features_are_added_to_a_layer_and_layers_to_a_file(tmp_path):
    path = tmp_path / "parts.gpkg"
    for layer in ("one", "one", "two"):
        append_layer(path, [SQUARE], {"n": [1]}, UTM, layer)
    assert len(read_layer(str(path), "one").geometries) == 2
    assert len(read_layer(str(path), "two").geometries) == 1


def test_a_table_of_a_geopackage_is_read_as_gdal_names_it(tmp_path):
    path = tmp_path / "two.gpkg"
    for layer in ("one", "two"):
        append_layer(path, [SQUARE] * (2 if layer == "two" else 1), {}, UTM, layer)
    assert len(read_layer(f"GPKG:{path}:two").geometries) == 2
    assert refusal_of(f"GPKG:{path}:three").hint == f'Name the one that is meant: "{path}|one".'


def test_a_layer_says_that_the_plugin_made_it_and_others_of_the_file_do_not(tmp_path):
    path = tmp_path / "parts.gpkg"
    for layer, made in (("found", "footprints"), ("found", "footprints"), ("labels", "")):
        append_layer(path, [SQUARE], {"n": [1]}, UTM, layer, made=made)
    assert pyogrio.read_info(path, layer="found")["layer_metadata"] == {"FOOTPRINT_TUNER": "footprints"}
    assert pyogrio.read_info(path, layer="labels")["layer_metadata"] is None
    append_layer(path, [SQUARE], {"n": [1]}, UTM, "found", is_begun=False)
    with contextlib.closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT count(*) FROM gpkg_metadata_reference").fetchone() == (0,)


def test_a_file_that_cannot_be_written_is_told_with_a_next_step(tmp_path):
    """A file stands in the place of its folder: root, as whom tests may run, is not stopped by permissions."""
    (tmp_path / "folder").write_text("a file", "utf-8")
    with pytest.raises(RunError, match="could not be written") as caught:
        append_layer(tmp_path / "folder" / "out.gpkg", [SQUARE], {"n": [1]}, UTM, "made")
    assert caught.value.hint


def test_what_is_written_is_valid_and_its_shells_run_counter_clockwise(tmp_path):
    bowtie = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    polygons = [shapely.box(0, 0, 5, 5, ccw=False), shapely.box(0, 0, 9, 9) - shapely.box(3, 3, 6, 6), bowtie]
    append_layer(tmp_path / "a.gpkg", polygons, {}, CRS.from_epsg(32645), "a")
    found = read_layer(str(tmp_path / "a.gpkg")).geometries
    assert shapely.is_valid(found).all()
    parts = shapely.get_parts(found)
    assert shapely.is_ccw(shapely.get_exterior_ring(parts)).all()
    assert not shapely.is_ccw(shapely.get_interior_ring(parts[1], 0))
    assert shapely.area(found[2]) == 50
