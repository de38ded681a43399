"""What a database holds, without a journal being read or made: for files that may be open in another program."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any, Iterator


@contextlib.contextmanager
def open_unchanged(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database to read it; its journals are neither read nor made. Raises sqlite3.Error."""
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with contextlib.closing(sqlite3.connect(address, uri=True)) as database:
        yield database


def ask(path: Path, question: str) -> list[Any]:
    """Return what a database answers, nothing where it cannot; its journals are neither read nor made."""
    try:
        with open_unchanged(path) as database:
            return database.execute(question).fetchall()
    except sqlite3.Error:
        return []


def quote(name: str) -> str:
    """Return a table's name as a question may hold it."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def read_texts(path: Path) -> list[str]:
    """Return all texts in a GeoPackage's own tables, nothing where a file is none."""
    tables = [str(name) for (name,) in ask(path, "SELECT table_name FROM gpkg_contents")]
    questions = [f"SELECT * FROM {quote(table)}" for table in tables]  # noqa: S608 - it is quoted  # nosec B608
    rows = [row for question in questions for row in ask(path, question)]
    return [value for row in rows for value in row if isinstance(value, str)]
