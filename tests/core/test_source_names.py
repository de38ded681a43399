"""Which file a name stands for, however it is written."""

import os

import pytest

from plugin.core.source_names import find_same, list_files, locate_file, resolve_source, split_layer


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with two.gpkg, town.zip and a file whose name holds a bar; it is the working directory, too."""
    for name in ("two.gpkg", "town.zip", "odd|name.gpkg"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("two.gpkg", ("two.gpkg", "")),
        ("two.gpkg|roofs", ("two.gpkg", "roofs")),
        ("two.gpkg|layername=roofs", ("two.gpkg", "roofs")),
        ("odd|name.gpkg", ("odd|name.gpkg", "")),
        ("odd|name.gpkg|layername=a|b", ("odd|name.gpkg", "a|b")),
        ("gone.gpkg|layername=roofs", ("gone.gpkg", "roofs")),
        ("", ("", "")),
    ],
)
def test_a_layer_stands_behind_a_bar_that_is_no_part_of_the_files_name(here, source, expected):
    assert split_layer(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("two.gpkg", "{0}/two.gpkg"),
        ("GPKG:two.gpkg:ortho", "GPKG:{0}/two.gpkg:ortho"),
        ("GPKG:{0}/two.gpkg:ortho", "GPKG:{0}/two.gpkg:ortho"),
        ('NETCDF:"a.nc":values', 'NETCDF:"{0}/a.nc":values'),
        ("GTIFF_DIR:2:a.tif", "GTIFF_DIR:2:{0}/a.tif"),
        ("/vsizip/town.zip/town.tif", "/vsizip/{0}/town.zip/town.tif"),
        ("/vsizip/{0}/town.zip/town.tif", "/vsizip/{0}/town.zip/town.tif"),
        ("/elsewhere/a.tif", "/elsewhere/a.tif"),
        ("", ""),
    ],
)
def test_a_relative_name_is_taken_from_the_jobs_folder(here, source, expected, monkeypatch):
    monkeypatch.chdir("/")
    assert resolve_source(source.format(here), here) == expected.format(here)


def test_a_file_that_is_called_like_a_container_is_that_file(here):
    (here / "GPKG:two.gpkg:ortho").touch()
    assert resolve_source("GPKG:two.gpkg:ortho", here) == str(here / "GPKG:two.gpkg:ortho")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("GPKG:{0}/two.gpkg:ortho", "two.gpkg"),
        ("/vsizip/{0}/town.zip/a/town.tif", "town.zip"),
        ("/vsizip/{{{0}/town.zip}}/a/town.tif", "town.zip"),
        ("{0}/two.gpkg|layername=x", "two.gpkg"),
    ],
)
def test_a_name_stands_for_one_file(here, source, expected):
    assert locate_file(source.format(here)) == here / expected


@pytest.mark.parametrize("source", ["/vsimem/a.tif", "https://example.org/a.tif", ""])
def test_memory_and_addresses_are_no_files(source):
    assert locate_file(source) is None


def test_links_hard_links_and_other_cases_are_the_same_file(here):
    (here / "link.gpkg").symlink_to("two.gpkg")
    os.link(here / "two.gpkg", here / "hard.gpkg")
    for name in ("link.gpkg", "hard.gpkg", "Two.GPKG", "./two.gpkg", f"../{here.name}/two.gpkg"):
        assert find_same([here / name], [here / "two.gpkg"]) is not None, name
    assert find_same([here / "three.gpkg"], [here / "two.gpkg", here / "town.zip"]) is None


def test_what_a_virtual_raster_is_made_of_are_its_files(here):
    (here / "a&b.tif").touch()
    inner = '<VRTDataset><SourceFilename relativeToVRT="1">a&amp;b.tif</SourceFilename></VRTDataset>'
    (here / "inner.vrt").write_text(inner)
    outer = f'<OGRVRTDataSource><SrcDataSource relativeToVRT="0">{here}/inner.vrt</SrcDataSource></OGRVRTDataSource>'
    (here / "outer.vrt").write_text(outer)
    assert [path.name for path in list_files(str(here / "outer.vrt"))] == ["outer.vrt", "inner.vrt", "a&b.tif"]


def test_a_virtual_raster_of_itself_comes_to_an_end(here):
    (here / "self.vrt").write_text('<VRTDataset><SourceFilename relativeToVRT="1">self.vrt</SourceFilename>')
    assert {path.name for path in list_files("self.vrt")} == {"self.vrt"}
