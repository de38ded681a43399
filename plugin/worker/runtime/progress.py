"""Progress and cancellation as long work sees them: the channel provides both, and any double does in a test."""

from __future__ import annotations

from typing import Protocol


class CancelRequested(Exception):  # noqa: N818 - it is an order, no error
    """Raised at the next safe place after the follower asked to cancel, or went away."""


class Progress(Protocol):
    """Receives how much of the work is done, and interrupts it after a cancel."""

    def report(self, done: float, text: str = "") -> None:
        """Report the share that is done, 0 to 1; raises CancelRequested like ``raise_if_cancelled``."""

    def raise_if_cancelled(self) -> None:
        """Raise CancelRequested after the follower has asked to cancel; call it several times a second."""


class NotifyingProgress(Progress, Protocol):
    """Progress that also receives sentences for the user, which cannot wait for the result of the work."""

    def send_notice(self, message: str, hint: str = "", level: str = "info") -> None:
        """Send a sentence (``level``: info or warning) and what to do about it."""
