"""The labels: what is done to make them usable, that it is counted and told, and what cannot be used at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.warp import transform as reproject

from plugin.core.errors import InputError
from plugin.worker.dataset.labels import read_labels
from plugin.worker.geodata.polygons import apply_affine, explode_polygons
from plugin.worker.geodata.raster import describe_raster

ORIGIN = Affine(0.5, 0, 333000, 0, -0.5, 3066000)
BOWTIE = shapely.Polygon([(10, 10), (20, 20), (20, 10), (10, 20)])
SQUARES = [shapely.box(10, 10, 20, 20), shapely.box(30, 30, 45, 40)]


@pytest.fixture
def raster(make_raster, card):
    return describe_raster(str(make_raster(size=(64, 64))), card)


@pytest.fixture
def read(raster, make_labels):
    """Return a function that writes geometries in pixels as labels and reads them back."""
    return lambda geometries, **options: read_labels(str(make_labels(geometries, **options)), "", raster)


def refusal_of(path, raster):
    with pytest.raises(InputError) as caught:
        read_labels(str(path), "", raster)
    assert caught.value.hint
    return caught.value


def are_equal(found, expected, tolerance=1e-6):
    return (
        len(found) == len(expected) and (shapely.area(shapely.symmetric_difference(found, expected)) < tolerance).all()
    )


def test_labels_come_in_the_rasters_pixels(read):
    labels = read(SQUARES)
    assert are_equal(labels.polygons, SQUARES)
    assert labels.describe() == []


# -- what is mended, and told -----------------------------------------------------------------------------------------


def test_invalid_labels_are_repaired_counted_and_told(read):
    labels = read([*SQUARES, BOWTIE])
    assert labels.repaired == 1
    assert shapely.is_valid(labels.polygons).all()
    assert shapely.area(labels.polygons[2:]).sum() == pytest.approx(50)
    (told,) = labels.describe()
    assert told.startswith("One invalid label was repaired for this run (your layer is unchanged).")
    assert told.endswith("It came apart into 2 pieces: each counts as a building.")


def test_labels_that_come_apart_are_told_among_those_that_do_not(read):
    x, y = SQUARES[0].bounds[:2]
    spike = shapely.Polygon([(x, y), (x + 5, y), (x + 5, y + 5), (x + 5, y + 9), (x + 5, y + 5), (x, y + 5)])
    told = read([spike, BOWTIE, shapely.affinity.translate(BOWTIE, 1, 1)]).describe()[0]
    assert told.startswith("3 invalid labels were repaired")
    assert told.endswith("2 of them came apart into 4 pieces: each counts as a building.")


def test_the_users_file_is_not_changed(make_labels, raster):
    path = make_labels([*SQUARES, BOWTIE])
    before = path.read_bytes()
    read_labels(str(path), "", raster)
    assert path.read_bytes() == before


def test_multipart_labels_are_taken_apart_counted_and_told(read):
    labels = read([shapely.MultiPolygon(SQUARES), shapely.box(50, 50, 60, 60)])
    assert len(labels.polygons) == 3
    assert set(shapely.get_type_id(labels.polygons)) == {shapely.GeometryType.POLYGON}
    assert labels.split == 1
    assert labels.describe() == ["One multi-part label was split: each part counts as a building."]


def test_a_collection_is_taken_apart_to_its_polygons(read):
    mixed = shapely.GeometryCollection(
        [SQUARES[0], shapely.LineString([(0, 0), (9, 9)]), shapely.MultiPolygon([SQUARES[1]])]
    )
    assert are_equal(read([mixed]).polygons, SQUARES)


def test_labels_without_an_area_are_passed_over_counted_and_told(read):
    flat = shapely.Polygon([(10, 10), (20, 20), (30, 30)])
    labels = read([*SQUARES, flat, None, shapely.Polygon()])
    assert are_equal(labels.polygons, SQUARES)
    assert labels.dropped == 3
    assert labels.describe()[-1] == "3 labels without an area were ignored."


def test_lines_among_polygons_are_passed_over_and_counted(read):
    labels = read([SQUARES[0], shapely.LineString([(0, 0), (9, 9)])])
    assert are_equal(labels.polygons, SQUARES[:1])
    assert labels.dropped == 1


def test_labels_outside_the_raster_are_passed_over_counted_and_told(read):
    labels = read([SQUARES[0], shapely.box(100, 100, 110, 110), shapely.box(-50, 0, -40, 10)])
    assert are_equal(labels.polygons, SQUARES[:1])
    assert labels.outside == 2
    assert labels.describe() == ["2 labels lie outside the raster and were ignored."]


def test_a_label_across_the_rasters_edge_is_kept_whole(read):
    across = shapely.box(55, 55, 75, 75)
    assert are_equal(read([across]).polygons, [across])


def test_courtyards_stay_open(read):
    holed = shapely.box(10, 10, 30, 30) - shapely.box(15, 15, 25, 25)
    assert shapely.area(read([holed]).polygons).tolist() == pytest.approx([300])


def test_heights_are_left_behind(read):
    high = shapely.force_3d(SQUARES[0], 7.0)
    labels = read([high])
    assert not shapely.has_z(labels.polygons).any()
    assert are_equal(labels.polygons, SQUARES[:1])


# -- other coordinate systems -----------------------------------------------------------------------------------------


def test_labels_in_another_coordinate_system_are_reprojected_exactly(make_vector, raster, project_to_utm):
    corners = [(85.31, 27.7001), (85.3101, 27.7001), (85.3101, 27.7), (85.31, 27.7)]
    oracle = np.array([project_to_utm(*corner, 45) for corner in corners])
    placed = replace(raster, transform=Affine(0.5, 0, oracle[0, 0] - 5, 0, -0.5, oracle[0, 1] + 5))
    labels = read_labels(str(make_vector([shapely.Polygon(corners)], crs="EPSG:4326")), "", placed)
    found = shapely.get_coordinates(apply_affine(labels.polygons, placed.transform))
    assert found[:4] == pytest.approx(oracle, abs=1e-3)


def test_labels_in_degrees_web_mercator_and_a_neighbouring_zone_give_the_same_pixels(make_vector, raster):
    expected = read_labels(str(make_vector(place(SQUARES), "utm.gpkg")), "", raster).polygons
    for epsg in (4326, 3857, 32644):
        moved = shapely.transform(
            place(SQUARES), lambda xy, epsg=epsg: np.column_stack(reproject("EPSG:32645", f"EPSG:{epsg}", *xy.T))
        )
        found = read_labels(str(make_vector(moved, f"{epsg}.gpkg", crs=f"EPSG:{epsg}")), "", raster).polygons
        assert are_equal(found, expected, 0.1)


def test_labels_on_a_turned_raster_come_in_its_pixels(make_raster, make_vector, card):
    turned = Affine.translation(333000, 3066000) @ Affine.rotation(30) @ Affine.scale(0.5, -0.5)
    raster = describe_raster(str(make_raster(transform=turned)), card)
    path = make_vector(apply_affine(SQUARES, turned))
    assert are_equal(read_labels(str(path), "", raster).polygons, SQUARES)


# -- what cannot be used ----------------------------------------------------------------------------------------------


def test_labels_that_do_not_touch_the_raster_are_refused_and_how_far_away_they_are_is_told(make_labels, raster):
    error = refusal_of(make_labels([shapely.box(6064, 8000, 6074, 8010)]), raster)
    assert error.message == "No label touches the raster: they lie about 5.0 km away from it."


def test_an_empty_label_layer_is_refused_with_a_next_step(tmp_path, raster):
    (tmp_path / "empty.geojson").write_text('{"type": "FeatureCollection", "features": []}', "utf-8")
    assert "is empty" in refusal_of(tmp_path / "empty.geojson", raster).message


@pytest.mark.parametrize(
    "geometry", [shapely.LineString([(0, 0), (9, 9)]), shapely.Point(3, 3), shapely.MultiPoint([(3, 3), (4, 4)]), None]
)
def test_a_label_layer_without_polygons_is_refused_with_a_next_step(make_labels, raster, geometry):
    assert "holds no polygons" in refusal_of(make_labels([geometry]), raster).message


def test_a_label_layer_whose_polygons_have_no_area_is_refused_with_a_next_step(make_labels, raster):
    flat = shapely.Polygon([(10, 10), (20, 20), (30, 30)])
    assert "no polygon with an area" in refusal_of(make_labels([flat, flat]), raster).message


def test_a_label_layer_without_a_coordinate_system_is_refused_with_a_next_step(make_labels, raster):
    error = refusal_of(make_labels(SQUARES, crs=None), raster)
    assert "has no coordinate system" in error.message
    assert "Set CRS" in error.hint


def test_a_label_layer_with_a_wrong_coordinate_system_is_refused_with_a_next_step(make_labels, raster):
    """Metres that are said to be degrees lie nowhere on the earth."""
    error = refusal_of(make_labels(SQUARES, crs="EPSG:4326"), raster)
    assert "lies nowhere in the raster's coordinate system" in error.message


def test_a_label_layer_that_is_not_there_is_refused_with_a_next_step(tmp_path, raster):
    assert "cannot be read" in refusal_of(tmp_path / "none.gpkg", raster).message


def test_one_label_without_a_place_does_not_spoil_the_others(make_vector, raster):
    path = make_vector([*place(SQUARES), shapely.box(1e12, 1e9, 2e12, 2e9)])
    labels = read_labels(str(path), "", raster)
    assert len(labels.polygons) == 2
    assert labels.outside + labels.dropped == 1


# -- parts ------------------------------------------------------------------------------------------------------------


def test_parts_know_where_they_came_from():
    nested = shapely.GeometryCollection([shapely.MultiPolygon(SQUARES), SQUARES[0]])
    parts, origins = explode_polygons([SQUARES[0], None, nested, shapely.Point(1, 1)])
    assert are_equal(parts, [SQUARES[0], *SQUARES, SQUARES[0]])
    assert origins.tolist() == [0, 2, 2, 2]


def place(polygons):
    return apply_affine(polygons, ORIGIN)


# -- units, axes and grids --------------------------------------------------------------------------------------------

KILOMETRES = "+proj=utm +zone=18 +datum=WGS84 +units=km +type=crs"
NEW_YORK = Affine(0.5, 0, 584000, 0, -0.5, 4506000)


@pytest.mark.parametrize(
    "crs", ["EPSG:2263", "EPSG:2263+5703", "EPSG:6539", "ESRI:102718", "EPSG:4269", "EPSG:32118", KILOMETRES]
)
def test_labels_in_another_unit_or_datum_land_where_they_are(make_vector, make_raster, card, crs):
    """US survey feet, with heights too, international feet, kilometres: the oracle is rasterio."""
    raster = describe_raster(str(make_raster(size=(64, 64), crs="EPSG:32618", transform=NEW_YORK)), card)
    placed = apply_affine(SQUARES, NEW_YORK)
    moved = shapely.transform(placed, lambda xy: np.column_stack(reproject("EPSG:32618", crs, *xy.T)))
    labels = read_labels(str(make_vector(list(moved), crs=crs)), "", raster)
    assert are_equal(labels.polygons, SQUARES, 2.0)


@pytest.mark.parametrize(
    ("crs", "lon", "lat"),
    [("EPSG:2193", 174.8, -41.3), ("EPSG:31467", 9.0, 50.0), ("EPSG:2048", 19.1, -33.9), ("EPSG:5514", 14.4, 50.1)],
)
def test_a_raster_whose_axes_run_another_way_has_its_labels_where_they_are(
    make_vector, make_raster, card, crs, lon, lat
):
    """Northing first (New Zealand, Germany), west and south (South Africa), south and west (Czechia)."""
    (x,), (y,) = reproject("EPSG:4326", crs, [lon], [lat])
    transform = Affine(0.5, 0, x, 0, -0.5, y)
    raster = describe_raster(str(make_raster(size=(64, 64), crs=crs, transform=transform)), card)
    degrees = shapely.transform(
        apply_affine(SQUARES, transform), lambda xy: np.column_stack(reproject(crs, "EPSG:4326", *xy.T))
    )
    labels = read_labels(str(make_vector(list(degrees), crs="EPSG:4326")), "", raster)
    assert are_equal(labels.polygons, SQUARES, 1.0)


@pytest.mark.parametrize("srs", ["urn:ogc:def:crs:EPSG::4326", "EPSG:4326"])
def test_degrees_in_gml_stand_in_the_order_that_their_system_asks_for(tmp_path, raster, srs):
    placed = shapely.transform(
        apply_affine(SQUARES[:1], ORIGIN), lambda xy: np.column_stack(reproject("EPSG:32645", "EPSG:4326", *xy.T))
    )
    points = shapely.get_coordinates(placed)[:, :: -1 if srs.startswith("urn") else 1]
    text = " ".join(f"{a:.10f} {b:.10f}" for a, b in points)
    (tmp_path / "labels.gml").write_text(
        '<?xml version="1.0"?><f:FeatureCollection xmlns:f="http://ogr.maptools.org/" '
        'xmlns:gml="http://www.opengis.net/gml"><f:featureMember><f:house gml:id="h.0"><f:shape>'
        f'<gml:Polygon srsName="{srs}"><gml:exterior><gml:LinearRing><gml:posList>{text}</gml:posList>'
        "</gml:LinearRing></gml:exterior></gml:Polygon></f:shape></f:house></f:featureMember></f:FeatureCollection>"
    )
    assert are_equal(read_labels(str(tmp_path / "labels.gml"), "", raster).polygons, SQUARES[:1], 0.1)


@pytest.mark.parametrize(
    "transform",
    [
        Affine(0.5, 0, 333000, 0, 0.5, 3066000),
        Affine(0.5, 0, 333000, 0, -0.2, 3066000),
        Affine.translation(333000, 3066000) @ Affine.rotation(33) @ Affine.scale(0.6, -0.4),
    ],
)
def test_labels_lie_on_grids_that_are_south_up_not_square_or_turned(make_vector, make_raster, card, transform):
    raster = describe_raster(str(make_raster(size=(64, 64), transform=transform)), card)
    labels = read_labels(str(make_vector(list(apply_affine(SQUARES, transform)))), "", raster)
    assert are_equal(labels.polygons, SQUARES)


def test_exchanged_axes_are_told(make_vector, raster):
    """x is read for y: in degrees from a table, say."""
    degrees = shapely.transform(
        apply_affine(SQUARES, ORIGIN), lambda xy: np.column_stack(reproject("EPSG:32645", "EPSG:4326", *xy.T))[:, ::-1]
    )
    error = refusal_of(make_vector(list(degrees), crs="EPSG:4326"), raster)
    assert "exchanged" in error.hint
