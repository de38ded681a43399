"""Splits that chance may not allow."""

from plugin.core.errors import InputError
from plugin.worker.dataset.split import split_ground
from tests.worker.earlier_run import renew


def try_split(*arguments):
    """Return the split, None where there are too few buildings for one."""
    return _try(split_ground, *arguments)


def try_renew(*arguments):
    """Return the renewal, None where too little of the checked ground may be learnt from."""
    return _try(renew, *arguments)


def _try(work, *arguments):
    try:
        return work(*arguments)
    except InputError as error:
        if not any(words in error.message for words in ("at least", "No checked ground is left", "outside the raster")):
            raise
        return None
