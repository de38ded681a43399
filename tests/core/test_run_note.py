"""What the user writes about a run."""

import pytest

from plugin.core.atomic_file import locate_passing
from plugin.core.errors import RunError
from plugin.core.folder import RunFolder
from plugin.core.run_note import read_note, write_note


@pytest.mark.parametrize("text", ["short", "Häuser 🏠 建物", "two\nlines", "x" * 200_000])
def test_a_note_comes_back_as_it_was_written(tmp_path, text):
    write_note(RunFolder(tmp_path), f"  {text}\n")
    assert read_note(RunFolder(tmp_path)) == text
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_an_empty_note_leaves_no_file(tmp_path):
    write_note(RunFolder(tmp_path), "something")
    write_note(RunFolder(tmp_path), " \n")
    write_note(RunFolder(tmp_path), "")
    assert list(tmp_path.iterdir()) == []


def test_a_note_that_is_no_text_or_endless_is_read_as_far_as_it_goes(tmp_path):
    folder = RunFolder(tmp_path)
    folder.note.write_bytes(b"caf\xe9 " + b"x" * 3_000_000)
    assert read_note(folder).startswith("caf\N{REPLACEMENT CHARACTER} x")
    assert len(read_note(folder)) <= 1_000_000


def test_a_note_for_a_run_that_has_gone_is_refused(tmp_path):
    with pytest.raises(RunError, match="any more"):
        write_note(RunFolder(tmp_path / "gone"), "text")


def test_a_note_that_cannot_be_written_says_so_and_the_old_one_stays(tmp_path):
    folder = RunFolder(tmp_path)
    write_note(folder, "old")
    locate_passing(tmp_path, folder.note.name).write_text("no folder")
    with pytest.raises(RunError, match="could not be written"):
        write_note(folder, "new")
    assert read_note(folder) == "old"
