"""Splits that chance may not allow."""

from plugin.core.errors import InputError
from plugin.worker.split import split_ground


def try_split(*arguments):
    """Return the split, None where there are too few buildings for one."""
    try:
        return split_ground(*arguments)
    except InputError as error:
        if "at least" not in error.message:
            raise
        return None
