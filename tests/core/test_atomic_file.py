"""Files that are replaced together: all of them, or none."""

import pytest

from plugin.core.atomic_file import replace_all
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
    before = read(tmp_path)
    (tmp_path / "b.earlier.txt").mkdir()
    with pytest.raises(RunError):
        replace_all(made)
    assert read(tmp_path) == before
