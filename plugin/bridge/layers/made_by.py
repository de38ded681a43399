"""What the layers of a GeoPackage say of who made them."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from ...core.made_layers import MADE_KEY
from ...core.sqlite_reading import ask

_ITEM = re.compile(f'key="{MADE_KEY}">([^<]*)<')
_QUERY = """
    SELECT contents.table_name, metadata.metadata FROM gpkg_contents AS contents
    LEFT JOIN gpkg_metadata_reference AS reference ON lower(reference.table_name) = lower(contents.table_name)
    LEFT JOIN gpkg_metadata AS metadata ON metadata.id = reference.md_file_id
    WHERE contents.data_type = 'features' ORDER BY contents.rowid
"""


@lru_cache(maxsize=4096)
def read_made(path: str, _: int) -> dict[str, str]:
    """Return what each layer of a GeoPackage holds of the plugin's own, "" for nothing, by its name in small letters.

    The second argument is the time at which the file was changed, in nanoseconds: until then it is read once. Nothing
    is written beside the file, and one that cannot be read says nothing.
    """
    made: dict[str, str] = {}
    for name, text in ask(Path(path), _QUERY):
        found = _ITEM.search(str(text or ""))
        made[name.lower()] = found.group(1) if found else made.get(name.lower(), "")
    return made
