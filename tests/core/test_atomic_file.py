"""Files that are replaced together: all of them, or none."""

import pytest

from plugin.core.atomic_file import locate_passing, replace_all, replacing
from plugin.core.errors import RunError


@pytest.fixture
def made(tmp_path):
    """Three new files in a folder of their own -> their names; the third has no earlier file."""
    folder = tmp_path / "made"
    folder.mkdir()
    moves = {}
    for name in ("a.txt", "b.txt", "c.txt"):
        (folder / name).write_text(f"new {name}")
        moves[folder / name] = tmp_path / name
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(f"old {name}")
    return moves


def read(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def test_all_files_get_their_names_and_nothing_else_is_left(made, tmp_path):
    replace_all(made)
    assert read(tmp_path) == {name: f"new {name}" for name in ("a.txt", "b.txt", "c.txt")}
    assert not any(source.exists() for source in made)


@pytest.mark.parametrize("broken", ["a.txt", "b.txt", "c.txt"])
def test_where_one_cannot_be_replaced_all_are_as_they_were(broken, made, tmp_path):
    before = read(tmp_path)
    next(source for source in made if source.name == broken).unlink()
    with pytest.raises(RunError, match="Everything is as it was") as caught:
        replace_all(made)
    assert caught.value.hint
    assert read(tmp_path) == before


def test_a_file_that_cannot_be_set_aside_stops_the_others(made, tmp_path):
    locate_passing(tmp_path, "earlier b.txt").write_text("no folder")
    before = read(tmp_path)
    with pytest.raises(RunError):
        replace_all(made)
    assert read(tmp_path) == before


def test_a_users_file_of_a_temporary_name_stays(tmp_path):
    (tmp_path / "town.part.gpkg").write_text("mine")
    with replacing(tmp_path / "town.gpkg") as partial:
        partial.write_text("whole")
    assert read(tmp_path) == {"town.part.gpkg": "mine", "town.gpkg": "whole"}
    assert len(list(tmp_path.iterdir())) == 2


def test_a_temporary_name_and_its_journal_fit_beside_the_longest_name(tmp_path):
    longest = tmp_path / f"{'x' * 250}.gpkg"
    with replacing(longest) as partial:
        partial.with_name(f"{partial.name}-journal").touch()
        partial.write_text("whole")
    assert read(tmp_path) == {longest.name: "whole"}


def test_empty_journals_go_with_the_file_that_they_belonged_to(tmp_path):
    path = tmp_path / "town.gpkg"
    for ending in ("", "-wal", "-journal"):
        (tmp_path / f"town.gpkg{ending}").touch()
    (tmp_path / "town.gpkg-shm").write_bytes(b"index")
    with replacing(path) as partial:
        partial.write_text("whole")
    assert read(tmp_path) == {"town.gpkg": "whole"}


@pytest.mark.parametrize("ending", ["-wal", "-journal"])
def test_a_file_that_is_opened_while_its_successor_is_made_stays(tmp_path, ending):
    path, journal = tmp_path / "town.gpkg", tmp_path / f"town.gpkg{ending}"
    path.write_text("old")

    def work():
        with replacing(path) as partial:
            partial.write_text("new")
            journal.write_text("change")

    with pytest.raises(RunError, match="open in another program"):
        work()
    assert read(tmp_path) == {"town.gpkg": "old", journal.name: "change"}


def test_what_a_crash_left_is_no_hindrance_and_a_link_is_not_followed(tmp_path):
    left = locate_passing(tmp_path, "a.txt")
    left.mkdir()
    (left / "half").touch()
    with replacing(tmp_path / "a.txt") as partial:
        partial.write_text("whole")
    assert not left.exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    left.symlink_to(tmp_path / "mine")
    with pytest.raises(RunError), replacing(tmp_path / "a.txt") as partial:
        partial.write_text("never")
    assert (tmp_path / "mine" / "file").exists()
