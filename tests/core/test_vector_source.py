"""A file and its layer in one text, as the command line and QGIS write it."""

from __future__ import annotations

import pytest

from plugin.core.errors import InputError
from plugin.core.vector_source import split_source


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("town.gpkg", ("town.gpkg", "")),
        ("town.gpkg|houses", ("town.gpkg", "houses")),
        ("town.gpkg|layername=houses", ("town.gpkg", "houses")),
        ("town.gpkg|layername=a|b", ("town.gpkg", "a|b")),
        ("town.gpkg|layername=houses|geometrytype=Polygon", ("town.gpkg", "houses")),
        ("C:\\maps\\town.gpkg|houses", ("C:\\maps\\town.gpkg", "houses")),
        ("/vsizip/town.zip/town.gpkg|houses", ("/vsizip/town.zip/town.gpkg", "houses")),
        ("", ("", "")),
    ],
)
def test_file_and_layer_come_apart(text, expected):
    assert split_source(text) == expected


def test_a_file_that_is_there_keeps_its_whole_name(tmp_path):
    file = tmp_path / "north|south.gpkg"
    file.touch()
    assert split_source(str(file)) == (str(file), "")
    assert split_source(f"{file}|a|b") == (str(file), "a|b")


@pytest.mark.parametrize("option", ["subset=id > 3", "layerid=1", "option:X=Y"])
def test_what_would_be_passed_over_in_silence_is_refused(option):
    with pytest.raises(InputError) as caught:
        split_source(f"town.gpkg|layername=houses|{option}")
    assert option.partition("=")[0] in caught.value.message
    assert "Export" in caught.value.hint
