"""The weights that a model needs and that do not come with it: fetched once, or handed over, and held to what is known.

Where a hash is published, the file is held to it. Where none is, its size has to be that of the tensors and a little
more for their names, it has to fit the network exactly, and its hash is recorded: every later file of that address,
fetched or handed over, is held to the record.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from ...core.card import PRETRAINED, Card
from ...core.errors import InputError, RunError
from ...core.lock import hold_lock
from ...core.paths import locate_models
from ...core.source_names import find_same
from ..downloads.download import Expected, Part, accept, copy_file, describe_size, download, refuse_page
from ..downloads.known_hashes import recall_hash, record_hash
from ..runtime.hashing import hash_file
from ..runtime.progress import NotifyingProgress, Progress

#: What a file of weights holds besides its tensors: 0.26 MB of names for 985 tensors, and room for an old pickle's own.
NAMES_BYTES = 1 << 20
_WAIT_S = 0.2


class FetchProgress(NotifyingProgress, Protocol):
    """Progress of work in which a download may be a stage of its own."""

    def start_stage(self, stage: str) -> None:
        """Start a stage."""


@dataclass(frozen=True)
class Wanted:
    """A file of weights: whose, from where, where it lies then, what is known of it, and who looks into it."""

    name: str
    address: str
    path: Path
    expected: Expected
    inspect: Callable[[Path], None]

    @property
    def is_published(self) -> bool:
        """Whether the card itself names the hash."""
        return bool(self.expected.sha256)

    def hold_to_record(self) -> Wanted:
        """Return the same with the recorded hash, if there is one and none is published."""
        recorded = "" if self.is_published else recall_hash(self.address)
        if not recorded:
            return self
        remedy = (
            "If its publisher has changed it and you trust the new file, delete the recorded hash: "
            f"the command fetch {self.name} --forget."
        )
        return replace(self, expected=replace(self.expected, sha256=recorded, remedy=remedy))


def find_wanted(card: Card) -> Wanted | None:
    """Return the file that the card's model needs and that does not come with it, None where there is no such file."""
    if card.weights.startswith(PRETRAINED):
        return _find_pretrained(card)
    if not card.source:
        return None
    largest = card.size_bytes + NAMES_BYTES if card.size_bytes else 0
    expected = Expected(card.size_bytes, largest, card.sha256)
    return Wanted(card.name, card.source, card.weights_path, expected, lambda path: _inspect(card, path))


def describe_fetch(card: Card) -> str:
    """Return a sentence on what a run of the model would fetch first, "" where nothing."""
    wanted = find_wanted(card)
    if wanted is None or wanted.path.exists():
        return ""
    return f"At its first run the weights of {_describe(wanted)} are fetched."


def obtain_weights(card: Card, progress: FetchProgress, *, is_forgetful: bool = False) -> Path | None:
    """See to it that the model's weights lie where its card says, and return the file (None: they come with it).

    What has to be fetched is a stage of its own. ``is_forgetful`` fetches in any case, and takes what comes for right
    where no hash is published. Raises RunError, InputError and CancelRequested.
    """
    wanted = find_wanted(card)
    if wanted is None:
        return None
    if wanted.path.exists() and not is_forgetful:
        _hold(wanted, progress)
    else:
        _fetch(wanted, progress, is_forgetful=is_forgetful)
    return wanted.path


def pick_weights(card: Card, file: Path, progress: Progress, *, is_forgetful: bool = False) -> Path:
    """Take a file that was fetched by hand for the model's weights, after the same checks, and return where it lies."""
    wanted = find_wanted(card)
    if wanted is None:
        raise InputError(f'The weights of "{card.name}" come with it.', "No file is needed.")
    if not file.is_file():
        raise InputError(f"There is no file {file}.", "Give the path of the file that you downloaded.")
    if find_same(Part(wanted.path).files, [file]) is not None:
        raise InputError(f"{file} is an unfinished download of these weights.", "Fetch them: the download goes on.")
    held = wanted if is_forgetful else wanted.hold_to_record()
    refuse_page(file, str(file))
    held.expected.refuse_size(file.stat().st_size, str(file))
    with _alone(progress):
        part = Part(wanted.path)
        _make_folder(wanted.path.parent)
        try:
            copy_file(file, part, progress)
            sha256 = accept(part, wanted.path, held.expected, str(file), progress, held.inspect)
        finally:
            part.drop()
        _record(wanted, sha256, "handed over")
    return wanted.path


def _fetch(wanted: Wanted, progress: FetchProgress, *, is_forgetful: bool) -> None:
    progress.start_stage("fetch")
    progress.send_notice(f"Fetching the weights of {_describe(wanted)}.")
    with _alone(progress):
        if wanted.path.exists() and not is_forgetful:
            _hold(wanted, progress)  # another worker has fetched it meanwhile
            return
        held = wanted if is_forgetful else wanted.hold_to_record()
        sha256 = download(held.address, held.path, held.expected, progress, held.inspect)
        _record(wanted, sha256, "fetched")
    progress.report(1.0)


def _hold(wanted: Wanted, progress: Progress) -> None:
    """Hold the file that lies there to what is recorded; one that was put there by hand is examined and recorded."""
    if wanted.is_published:
        return  # whoever loads it compares
    held, what = wanted.hold_to_record(), str(wanted.path)
    sha256 = hash_file(wanted.path, progress.raise_if_cancelled)
    held.expected.refuse_hash(sha256, what)
    if not held.expected.sha256:
        refuse_page(wanted.path, what)
        wanted.expected.refuse_size(wanted.path.stat().st_size, what)
        wanted.inspect(wanted.path)
        _record(wanted, sha256, "found")


def _find_pretrained(card: Card) -> Wanted:
    from .pretrained import load_pretrained, locate_pretrained, pretrained_path  # noqa: PLC0415 - imports torch

    def inspect(path: Path) -> None:
        load_pretrained(card, path)

    return Wanted(card.name, locate_pretrained(card)[0], pretrained_path(card), Expected(), inspect)


def _record(wanted: Wanted, sha256: str, how: str) -> None:
    if not wanted.is_published:
        record_hash(wanted.address, sha256, wanted.path.stat().st_size, how)


def _inspect(card: Card, path: Path) -> None:
    """Load a file without a published hash into the card's network; raises InputError unless every tensor fits."""
    if card.sha256:
        return
    from .networks import load_network  # noqa: PLC0415 - torch takes seconds to load: a download begins before that

    try:
        load_network(replace(card, source="", weights=path.name, folder=str(path.parent)))
    except InputError as error:
        raise InputError(f'The file holds no weights of "{card.name}". {error.message}', error.hint) from error


def _describe(wanted: Wanted) -> str:
    size = f" ({describe_size(wanted.expected.smallest_bytes, 0)})" if wanted.expected.smallest_bytes else ""
    return f'"{wanted.name}"{size} from {urlsplit(wanted.address).hostname}'


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder} could not be made: {error}", "Is the disk full, or the folder read-only?") from error


@contextlib.contextmanager
def _alone(progress: Progress) -> Iterator[None]:
    """Wait until no other worker fetches weights, and keep others waiting."""
    folder = locate_models(os.environ)
    busy = RunError("Another worker is fetching weights.", "Wait until it has ended.")
    _make_folder(folder)
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(hold_lock(folder / "fetch.lock", busy))
                break
            except OSError as error:
                raise RunError(f"{folder} cannot be written: {error}", "Is the folder read-only?") from error
            except RunError:
                progress.report(0.0, "waiting for another worker that fetches weights")
                time.sleep(_WAIT_S)
        yield
