"""The commands about runs that are there already: list them, compare two, send one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ...core.command_options import CompareOptions, RunsOptions, SendOptions
from ...core.errors import InputError
from ...core.folder import RunFolder
from ...core.json_codec import encode
from ...core.output_files import require_folder
from ...core.run_archive import pack_run, plan_archive
from ...core.run_list import FINISHED, RunEntry, find_runs, read_run_entry
from ...core.run_record import read_record
from ..runtime.channel import Channel, print_json


def list_runs(options: RunsOptions, _: Channel) -> None:
    """List the runs in folders, the newest first, each read from its own folder."""
    for folder in options.folder:
        if not folder.is_dir():
            raise InputError(f"There is no folder {folder}.", "Give a folder in which runs lie.")
    places = [folder.absolute() for folder in options.folder]
    entries = sorted(map(read_run_entry, find_runs(places)), key=lambda entry: entry.when, reverse=True)
    if options.json:
        print_json([{**asdict(entry), "path": str(entry.path), "name": entry.name} for entry in entries])
    elif not entries:
        print("No runs.")
    else:
        print("\n".join(_describe(entry) for entry in entries))


def compare_two(options: CompareOptions, _: Channel) -> None:
    """Compare two runs that were scored on the same held-out ground: the second one against the first."""
    from ..evaluation.compare_runs import compare_runs  # noqa: PLC0415 - the other commands do without NumPy

    answer = compare_runs(*(read_record(folder.absolute()) for folder in (options.first, options.second)))
    if options.json:
        print_json(encode(answer))
        return
    for run in answer.runs:
        by_hand = f"  {run.by_hand}" if run.by_hand else ""
        print(f"{run.name}: F1 {_write(run.f1 or 0.0, run.interval)}{by_hand}")
    print(answer.difference.sentence)


def send_run(options: SendOptions, channel: Channel) -> None:
    """Write a run as one zip, without imagery, probabilities and the paths of this machine."""
    require_folder(options.out.absolute())
    parcel = plan_archive(RunFolder(options.run.absolute()))

    def tell(_: float) -> None:
        channel.raise_if_cancelled()

    pack_run(parcel, options.out.absolute(), tell, may_replace=options.overwrite)
    print(f"{options.out}: {options.out.stat().st_size:,} bytes, {parcel.size:,} before they were pressed")


def _describe(entry: RunEntry) -> str:
    if entry.after is None or entry.before is None:
        return f"{entry.path}: {entry.status}. {entry.problem} {entry.hint}".strip()
    parts = [f"F1 {entry.before:.3f} -> {_write(entry.after, entry.interval)}", entry.raster_name, entry.base_model]
    parts += [f"{entry.seconds:.0f} s"] if entry.seconds is not None else []
    parts += [f"improves {entry.parent_name}"] if entry.parent else []
    parts += [entry.by_hand] if entry.by_hand else []
    parts += [" ".join(entry.note.split())] if entry.note else []
    state = "" if entry.status == FINISHED else f" ({entry.status}: {entry.problem})"
    return f"{entry.path}: {', '.join(parts)}{state}"


def _write(f1: float, interval: Any) -> str:
    return f"{f1:.3f}" if not interval else f"{f1:.3f} ({interval[0]:.3f} to {interval[1]:.3f})"
