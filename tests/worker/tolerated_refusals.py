"""Splits that chance may not allow."""

from plugin.core.errors import NOTHING_TO_LEARN, OUTSIDE_RASTER, TOO_FEW_BLOCKS, TOO_FEW_BUILDINGS, InputError
from plugin.worker.dataset.split import split_ground
from tests.worker.earlier_run import renew


def try_split(*arguments):
    """Return the split, None where there are too few buildings for one."""
    return _try((TOO_FEW_BUILDINGS, TOO_FEW_BLOCKS), split_ground, *arguments)


def try_renew(*arguments):
    """Return the renewal, None where too little of the checked ground may be learnt from."""
    return _try((TOO_FEW_BUILDINGS, NOTHING_TO_LEARN, OUTSIDE_RASTER), renew, *arguments)


def _try(codes, work, *arguments):
    try:
        return work(*arguments)
    except InputError as error:
        if error.code not in codes:
            raise
        return None
