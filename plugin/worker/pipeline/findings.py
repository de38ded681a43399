"""Findings on their way through the channel, and the one among them that stops the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...core.errors import InputError
from ...core.events import STOP, Finding
from ..runtime.channel import Channel


def send_findings(found: list[Finding], channel: Channel) -> None:
    """Send every finding; raises InputError for the first that stops the run."""
    for finding in found:
        channel.emit(finding)
    stop = next((finding for finding in found if finding.level == STOP), None)
    if stop is not None:
        raise InputError(stop.message, stop.hint, code=stop.kind)


@contextmanager
def refusal_found(channel: Channel) -> Iterator[None]:
    """Send an InputError as a finding that stops the run, unless one was sent already, and raise it again."""
    try:
        yield
    except InputError as error:
        if not any(finding.level == STOP for finding in channel.findings):
            channel.emit(Finding("refused", STOP, error.message, error.hint))
        raise
