"""The roles training, validation and held-out, and a job's changes to the roles of single blocks."""

from __future__ import annotations

from typing import Mapping, Sequence

from .errors import InputError

TRAINING, VALIDATION, HELD_OUT, LEFT_OUT = "training", "validation", "held-out", "left-out"
#: The roles of ground that is used.
ROLES = (TRAINING, VALIDATION, HELD_OUT)
#: The roles of a block, in the order in which clicks go through them.
BLOCK_ROLES = (*ROLES, LEFT_OUT)
#: What a block loses to the ground of another role; it is nobody's.
BUFFER = "buffer"


def read_role(text: str) -> str:
    """Return a role as people write it (``Held out``, ``held_out``) in the form that is used here."""
    return text.strip().lower().replace("_", "-").replace(" ", "-")


def find_next_role(role: str) -> str:
    """Return the role that a click gives to a block of this role."""
    return BLOCK_ROLES[(BLOCK_ROLES.index(role) + 1) % len(BLOCK_ROLES)]


def read_block_roles(texts: Sequence[str]) -> dict[int, str]:
    """Return the role by block number of entries such as ``12=held-out``; raises InputError for any other text."""
    roles: dict[int, str] = {}
    for text in texts:
        number, _, role = text.partition("=")
        role = read_role(role)
        if not number.strip().isdecimal() or role not in BLOCK_ROLES:
            known = ", ".join(BLOCK_ROLES)
            raise InputError(f'A changed block reads like "12=held-out", not "{text}".', f"Roles: {known}.")
        if int(number) in roles:
            raise InputError(f"Block {int(number)} is listed twice.", "Give each block one role.")
        roles[int(number)] = role
    return roles


def write_block_roles(roles: Mapping[int, str]) -> tuple[str, ...]:
    """Return the entries that ``read_block_roles`` reads, by number."""
    return tuple(f"{number}={roles[number]}" for number in sorted(roles))
