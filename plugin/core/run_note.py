"""The user's note about a run: ``note.txt`` in its folder."""

from __future__ import annotations

from .atomic_file import replacing
from .errors import RunError
from .folder import RunFolder

_MOST_BYTES = 1_000_000


def read_note(folder: RunFolder) -> str:
    """Return the note, "" where there is none that can be read; of an endless one, the beginning."""
    try:
        with folder.note.open("rb") as file:
            content = file.read(_MOST_BYTES)
    except OSError:
        return ""
    return content.decode("utf-8", errors="replace").strip()


def write_note(folder: RunFolder, text: str) -> None:
    """Write the note, by a temporary name; an empty one leaves no file. Raises RunError."""
    if not folder.path.is_dir():
        raise RunError(f"There is no run folder {folder.path} any more.", "Refresh the list.")
    if text.strip():
        with replacing(folder.note, ValueError) as partial:
            partial.write_text(f"{text.strip()}\n", encoding="utf-8")
        return
    try:
        folder.note.unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"The note {folder.note} cannot be deleted: {error}", "Is the folder read-only?") from error
