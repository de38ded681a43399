"""Which layer of a vector file is meant: ``FILE|LAYER``, as the command line and QGIS write it."""

from __future__ import annotations

import re
from pathlib import Path

from .errors import InputError

#: What QGIS may write behind a file; a layer's own name may hold the sign.
_OPTION = re.compile(
    r"\|(?=(?:layername|layerid|subset|geometrytype|uniqueGeometryType|authcfg|option:\w+)=)", re.IGNORECASE
)
_NAMED = ("layername", "geometrytype", "uniquegeometrytype")


def split_source(text: str) -> tuple[str, str]:
    """Return the file and the layer of ``FILE``, ``FILE|LAYER`` or QGIS's ``FILE|layername=LAYER`` ("": none is named).

    A file whose own name holds the sign is taken as it is. Raises InputError where QGIS's form asks for more than a
    layer, a filter for instance.
    """
    ends = [match.start() for match in re.finditer(r"\|", text)]
    end = next((end for end in [len(text), *reversed(ends)] if _exists(text[:end])), ends[0] if ends else len(text))
    plain, *options = re.split(_OPTION, text[end:])
    named = {key.lower(): value for key, _, value in (option.partition("=") for option in options)}
    for key in named:
        if key not in _NAMED:
            raise InputError(
                f'"{key}" in {text} is not understood: only the name of a layer may follow the file.',
                "Export what is meant to a file of its own (right-click the layer > Export), and name that.",
            )
    return text[:end], named.get("layername", plain[1:])


def _exists(path: str) -> bool:
    try:
        return bool(path) and Path(path).exists()
    except (OSError, ValueError):  # too long, or with a character that no path may hold
        return False
