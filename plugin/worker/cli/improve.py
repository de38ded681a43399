"""The command that improves a tuned model: it makes the new run's folder ready and runs it."""

from __future__ import annotations

import contextlib

from ...core.command_options import ImproveOptions, RunOptions
from ...core.correction_job import prepare_improvement
from ...core.errors import InputError
from ...core.folder import RunFolder
from ..runtime.channel import Channel
from . import commands

_SETTINGS = ("epochs", "learning_rate", "samples", "replay_share", "seed", "device", "threads")


def improve(options: ImproveOptions, channel: Channel) -> None:
    """Improve a run's model: corrected footprints become labels on checked ground."""
    from ..dataset.corrections import copy_polygons  # noqa: PLC0415 - other commands do not wait for its libraries

    parent, folder = RunFolder(options.run), RunFolder(options.out)
    if folder.path.is_dir() and any(folder.path.iterdir()):
        raise InputError(f"The folder {folder.path} is not empty.", "Give one that is, or that is not there yet.")
    if folder.path.exists() and not folder.path.is_dir():
        raise InputError(f"{folder.path} is a file.", "Give the name of a folder that is empty, or not there yet.")
    corrections = options.corrections or f"{parent.corrections}|footprints"
    checked = options.checked or f"{parent.corrections}|checked"
    wishes = {name: value for name in _SETTINGS if (value := getattr(options, name)) is not None}
    with contextlib.ExitStack() as undo:
        undo.callback(_drop_made, folder, is_new=not folder.path.exists())
        job = prepare_improvement(parent.path, folder.path, **wishes)
        copy_polygons(corrections, folder.labels, "labels", is_ground=False)
        copy_polygons(checked, folder.areas, "areas", is_ground=True)
        job.save(folder.job)
        undo.pop_all()
    commands.run(RunOptions(folder.job), channel)


def _drop_made(folder: RunFolder, *, is_new: bool) -> None:
    """Delete what was written into a folder that had been empty, and the folder where it was not there."""
    with contextlib.suppress(OSError):
        for path in (folder.earlier, folder.earlier_report, folder.labels, folder.areas, folder.job):
            path.unlink(missing_ok=True)
        if is_new:
            folder.path.rmdir()
