"""What a command may write: nothing that is there goes unasked, and no input ever does."""

import contextlib
import os
import sqlite3
import subprocess
import sys

import pytest

from plugin.core.errors import InputError, RunError
from plugin.core.output_files import require_free


def write_geopackage(path, **layers):
    """Write as much of a GeoPackage as says which layers, and of which kind, it holds."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE gpkg_contents (table_name TEXT, data_type TEXT)")
        for name, kind in layers.items():
            database.execute(f"CREATE TABLE {name} (fid INTEGER)")
            database.execute("INSERT INTO gpkg_contents VALUES (?, ?)", (name, kind))
        database.commit()
    return path


def refusal(out, *inputs, may_replace=False, layer="", error=InputError):
    with pytest.raises(error) as caught:
        require_free(out, map(str, inputs), may_replace=may_replace, layer=layer)
    assert caught.value.hint
    return caught.value.message


def test_a_new_name_is_free(tmp_path):
    (tmp_path / "in.gpkg").touch()
    require_free(tmp_path / "out.gpkg", [str(tmp_path / "in.gpkg"), ""], may_replace=False)


def test_what_is_there_is_replaced_only_where_it_is_asked_for(tmp_path):
    out = write_geopackage(tmp_path / "out.gpkg", town="features", other="features")
    assert "is there already" in refusal(out, layer="town")
    require_free(out, [], may_replace=True, layer="town")
    require_free(out, [], may_replace=True, layer="new")
    (tmp_path / "empty.gpkg").touch()
    require_free(tmp_path / "empty.gpkg", [], may_replace=True, layer="town")


@pytest.mark.parametrize("how", ["same", "link", "hard link", "case", "layer", "container"])
def test_an_input_is_never_an_output_by_whatever_name(tmp_path, how):
    source = tmp_path / "town.gpkg"
    source.touch()
    out, name = source, str(source)
    if how == "link":
        out = tmp_path / "link.gpkg"
        out.symlink_to(source)
    elif how == "hard link":
        out = tmp_path / "hard.gpkg"
        os.link(source, out)
    elif how == "case":
        out = tmp_path / "Town.gpkg"
    elif how == "layer":
        name = f"{source}|layername=houses"
    elif how == "container":
        name = f"GPKG:{source}:ortho"
    assert "input" in refusal(out, name, may_replace=True, layer="town")


def test_links_folders_and_devices_are_not_replaced(tmp_path):
    (tmp_path / "link.gpkg").symlink_to(tmp_path / "nowhere.gpkg")
    (tmp_path / "folder.gpkg").mkdir()
    os.mkfifo(tmp_path / "pipe.gpkg")
    said = [refusal(tmp_path / f"{name}.gpkg", may_replace=True) for name in ("link", "folder", "pipe")]
    assert [any(word in sentence for word in ("link", "folder", "device")) for sentence in said] == [True] * 3


@pytest.mark.parametrize("name", ["/vsimem/a.gpkg", "/vsizip/a.zip/b.gpkg", "GPKG:a.gpkg:t", "https://a.org/b.gpkg"])
def test_names_of_no_file_are_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert "not the name of a file" in refusal(type(tmp_path)(name), may_replace=True)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_no_disk_takes_is_refused(tmp_path):
    assert "255 bytes" in refusal(tmp_path / f"{'ä' * 126}.gpkg")


@pytest.mark.parametrize("ending", ["-wal", "-journal"])
def test_a_geopackage_with_changes_beside_it_is_not_replaced(tmp_path, ending):
    out = write_geopackage(tmp_path / "out.gpkg", town="features")
    (tmp_path / f"out.gpkg{ending}").write_bytes(b"x")
    assert "open in another program" in refusal(out, may_replace=True, layer="town", error=RunError)
    out.unlink()
    assert "open in another program" in refusal(out, layer="town", error=RunError)


def test_a_table_that_is_no_such_layer_is_not_replaced(tmp_path):
    out = write_geopackage(tmp_path / "out.gpkg", ortho="tiles", Town="features")
    assert '"ortho"' in refusal(out, may_replace=True, layer="ortho")
    assert '"Town"' in refusal(out, may_replace=True, layer="town")


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0 and then nothing"])
def test_what_is_no_geopackage_is_not_replaced_by_one(tmp_path, content):
    out = tmp_path / "out.gpkg"
    out.write_bytes(content)
    assert "GeoPackage" in refusal(out, may_replace=True, layer="town")


_HOLD = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
for each in sys.argv[2:]:
    database.execute(each).fetchall()
print("held", flush=True)
sys.stdin.readline()
"""
_READ = "SELECT count(*) FROM town"


@pytest.mark.parametrize("how", [("PRAGMA journal_mode=WAL", _READ), ("BEGIN EXCLUSIVE",), ("BEGIN", _READ)])
def test_a_geopackage_that_is_open_elsewhere_without_changes_is_not_replaced(tmp_path, how):
    out = write_geopackage(tmp_path / "out.gpkg", town="features")
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(out), *how], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        before = sorted((path.name, path.stat().st_mtime_ns) for path in tmp_path.iterdir())
        assert "open in another program" in refusal(out, may_replace=True, layer="town", error=RunError)
        assert sorted((path.name, path.stat().st_mtime_ns) for path in tmp_path.iterdir()) == before
        holder.communicate(b"\n")
    require_free(out, [], may_replace=True, layer="town")


def test_journals_that_nobody_holds_are_no_hindrance(tmp_path):
    out = write_geopackage(tmp_path / "out.gpkg", town="features")
    out.chmod(0o444)
    for ending in ("-wal", "-shm"):
        (tmp_path / f"out.gpkg{ending}").touch()
    require_free(out, [], may_replace=True, layer="town")
    assert len(list(tmp_path.iterdir())) == 3
