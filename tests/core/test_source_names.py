"""Which file a name stands for, however it is written."""

import contextlib
import os
import sqlite3

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


def describe(name):
    return f'<VRTDataset><SourceFilename relativeToVRT="1">{name}</SourceFilename></VRTDataset>'


@pytest.mark.parametrize(
    "source",
    [
        "vrt://{0}?bands=1,2,3",
        "vrt://town.tif?bands=1",
        "/vsisubfile/0_100,{0}",
        "/vsicached?chunk_size=1000&file={0}",
        "/vsicurl?url=file%3A%2F%2F{0}",
        "/vsizip//vsisubfile/0_100,{0}/a.tif",
        "GeoJSON:{0}",
        "GTI:{0}",
        "<VRTDataset><SourceFilename>{0}</SourceFilename></VRTDataset>",
        "<VRTDataset><SourceFilename>vrt://{0}?bands=1</SourceFilename></VRTDataset>",
    ],
)
def test_a_path_within_a_name_of_gdals_is_a_file_of_it(here, source):
    path = here / "town.tif"
    path.touch()
    assert find_same([path], list_files(source.format(path))) is not None


def test_a_name_of_gdals_without_a_file_stands_for_none(here):
    (here / "a.tif").touch()
    for source in ("/vsimem/a.tif", "https://example.org/a.tif", "/vsicurl/https://example.org/a.tif"):
        assert list_files(source) == []
    assert find_same([here / "a.tif"], list_files(f"vrt://{here}/below/a.tif")) is None


def test_a_long_chain_of_virtual_rasters_is_followed_to_its_end(here):
    (here / "town.tif").touch()
    for number in range(8):
        (here / f"{number}.vrt").write_text(describe(f"{number + 1}.vrt" if number < 7 else "town.tif"))
    assert find_same([here / "town.tif"], list_files(str(here / "0.vrt"))) is not None


@pytest.mark.parametrize("name", ["i.gti.gpkg", "GTI:{0}/i.gpkg", "i.gti.fgb", "i.gti"])
def test_the_tiles_of_an_index_are_its_files(here, name):
    (here / "town.tif").touch()
    file = here / name.rpartition("/")[2]
    if file.suffix == ".gpkg":
        with contextlib.closing(sqlite3.connect(file)) as database:
            database.execute("CREATE TABLE gpkg_contents (table_name TEXT)")
            database.execute("INSERT INTO gpkg_contents VALUES ('tiles')")
            database.execute("CREATE TABLE tiles (geom BLOB, location TEXT, note TEXT)")
            database.execute("INSERT INTO tiles VALUES (x'00', 'town.tif', 'north')")
            database.commit()
    elif file.suffix == ".gti":
        (here / "i.vrt").write_text(describe("town.tif"))
        text = f"<GDALTileIndexDataset><IndexDataset>{here}/i.vrt</IndexDataset></GDALTileIndexDataset>"
        file.write_text(text)
    else:
        file.write_bytes(b"fgb\3\0\0\x08\0\0\0town.tif\0\0")
    source = name.format(here) if ":" in name else str(file)
    assert find_same([here / "town.tif"], list_files(source)) is not None
