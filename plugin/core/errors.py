"""The plugin's exceptions: what happened, and what to do."""

from __future__ import annotations

#: Codes of refusals. A sentence may be worded anew, and is for people; a code stays, and is for programs.
TOO_FEW_BUILDINGS = "too-few-buildings"
TOO_FEW_BLOCKS = "too-few-blocks"
NO_SUCH_BLOCK = "no-such-block"
NOTHING_TO_LEARN = "nothing-to-learn"
OUTSIDE_RASTER = "outside-raster"


class TunerError(Exception):
    """A failure that the user can act on.

    ``message`` says what happened in one sentence, ``hint`` what to do next. ``code`` names what happened for programs;
    it is empty where nobody has needed one yet.
    """

    def __init__(self, message: str, hint: str = "", *, code: str = "") -> None:
        """Keep all parts; ``str()`` of the error is the message alone."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


class InputError(TunerError):
    """The raster, the labels, the areas or a setting cannot be used as given."""


class SetupError(TunerError):
    """The worker's environment is missing, broken, or could not be made."""


class RunError(TunerError):
    """A run broke off after its inputs had been accepted."""


class CopyCancelled(Exception):  # noqa: N818 - it is no error
    """The user cancelled while a run's inputs were copied."""


def first_line(error: BaseException) -> str:
    """Return what a library's error says in its first line, at most 200 characters; its type where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
