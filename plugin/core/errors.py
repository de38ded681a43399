"""The plugin's exceptions: what happened, and what to do."""

from __future__ import annotations


class TunerError(Exception):
    """A failure that the user can act on.

    ``message`` says what happened in one sentence, ``hint`` what to do next.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        """Keep both parts; ``str()`` of the error is the message alone."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(TunerError):
    """The raster, the labels, the areas or a setting cannot be used as given."""


class SetupError(TunerError):
    """The worker's environment is missing, broken, or could not be made."""


class RunError(TunerError):
    """A run broke off after its inputs had been accepted."""
