"""Whether somebody has changed footprints since the worker wrote them."""

import contextlib
import sqlite3

import pytest

from plugin.core.edits import is_edited_since, keep_edited, name_copy


@pytest.fixture
def footprints(tmp_path):
    """A GeoPackage as far as it tells of its last change, with a style that was stored in it later."""
    path = tmp_path / "Büro 100%#1 footprints.gpkg"
    with contextlib.closing(sqlite3.connect(path)) as file, file:
        file.execute("CREATE TABLE gpkg_contents (table_name TEXT, data_type TEXT, last_change TEXT)")
        file.execute("INSERT INTO gpkg_contents VALUES ('footprints', 'features', '2026-01-12T15:30:05.250Z')")
        file.execute("INSERT INTO gpkg_contents VALUES ('layer_styles', 'attributes', '2026-02-01T00:00:00.000Z')")
    return path


@pytest.mark.parametrize(
    ("written", "is_edited"),
    [
        ("2026-01-12T15:30:06+00:00", False),
        ("2026-01-12T15:30:05+00:00", False),
        ("2026-01-12T15:30:04+00:00", True),
        ("2026-01-12T16:30:05+01:00", False),
        ("2026-01-12T16:29:00+01:00", True),
    ],
)
def test_a_change_counts_where_it_came_after_the_report(footprints, written, is_edited):
    assert is_edited_since(footprints, written) is is_edited


def test_what_cannot_be_read_was_not_edited(footprints, tmp_path):
    assert not is_edited_since(footprints, "yesterday")
    assert not is_edited_since(tmp_path / "gone.gpkg", "2026-01-01T00:00:00+00:00")
    (tmp_path / "text.gpkg").write_text("This is no GeoPackage, and long enough to be told from an empty one." * 20)
    assert not is_edited_since(tmp_path / "text.gpkg", "2026-01-01T00:00:00+00:00")
    assert not (tmp_path / "gone.gpkg").exists()


def test_a_copy_never_takes_the_name_of_another(tmp_path):
    path = tmp_path / "footprints.gpkg"
    names = []
    for _ in range(3):
        copy = name_copy(path)
        copy.write_bytes(b"")
        names.append(copy.name)
    assert names == ["footprints_edited.gpkg", "footprints_edited_2.gpkg", "footprints_edited_3.gpkg"]


def test_what_was_edited_is_kept_once(footprints):
    assert keep_edited(footprints, "2026-01-12T15:30:06+00:00") == ""
    name = "Büro 100%#1 footprints_edited.gpkg"
    for _ in range(2):
        assert keep_edited(footprints, "2026-01-12T15:30:00+00:00") == name
    assert footprints.with_name(name).read_bytes() == footprints.read_bytes()
    assert len(list(footprints.parent.iterdir())) == 2
