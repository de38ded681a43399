"""The help page of all commands and settings, made from their declarations.

``python -m plugin.core.command_page`` writes it; ``--texts FILE.py`` writes what QGIS shows of the declarations, for
those who translate it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Callable, Iterable

from .commands import COMMANDS, Command
from .job import Job, Settings
from .option import Option, list_options
from .paths import RESOURCES

PAGE = RESOURCES / "help" / "commands.md"
_HEAD = """# Commands

This page is made by `python -m plugin.core.command_page` from what the commands themselves declare.

Without QGIS: `python -m plugin.worker COMMAND`; in a checkout `$(make -s worker-python)` is its Python. Exit code 0:
done; 1: failed, with one sentence and a hint on standard error; 2: wrong usage. With QGIS: in the toolbox, in batch,
in the Model Builder or by `qgis_process run footprint_tuner:ALGORITHM`; `qgis_process help` lists the parameters.
"""
_JOB = """
## JOB.json

Relative paths are taken from the job's own folder, and the run's files land there. `{"raster": "town.tif", "labels":
"houses.gpkg"}` is enough.
"""
_SETTINGS = """
### `settings`
"""


def make_page() -> str:
    """Return the page as Markdown."""
    sections = [_describe_command(command) for command in COMMANDS]
    job, settings = (_make_table("field", list_options(kind), lambda each: each.name) for kind in (Job, Settings))
    return "".join([_HEAD, *sections, _JOB, job, _SETTINGS, settings])


def list_texts() -> list[str]:
    """Return every text of a declaration that QGIS shows."""
    texts = []
    for command in COMMANDS:
        if command.algorithm is not None:
            texts += [command.algorithm.title, command.algorithm.tags, command.algorithm.help]
    shown = [option for kind in (*(each.options for each in COMMANDS), Job, Settings) for option in list_options(kind)]
    texts += [text for option in shown if option.label for text in (option.label, option.help)]
    return list(dict.fromkeys(filter(None, texts)))


def _describe_command(command: Command) -> str:
    names = " or ".join(f"`{name}`" for name in (command.name, *command.aliases))
    algorithm = f" Algorithm `{command.algorithm.id}`." if command.algorithm else ""
    table = _make_table("option", list_options(command.options), _name)
    return f"\n## {names}\n\n{command.summary}{algorithm}\n{table}"


def _name(option: Option) -> str:
    return str(option.metavar) if option.is_positional else option.flag


def _make_table(first: str, options: Iterable[Option], name: Callable[[Option], str]) -> str:
    lines = ["", f"| {first} | value | default | what it is |", "|---|---|---|---|"]
    for option in options:
        default = "required" if option.default is ... else option.default_text
        cells = [f"`{name(option)}`", _describe_value(option), default, option.help]
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join([*lines, ""])


def _describe_value(option: Option) -> str:
    if option.type is bool:
        return ""
    if option.rule:
        return option.rule.replace("must be ", "").replace("must not be negative", "from 0")
    if option.metavar and not option.is_positional:
        return option.metavar if isinstance(option.metavar, str) else " ".join(option.metavar)
    return {str: "text", int: "whole number", float: "number", Path: "path"}[option.item_type]


def main(arguments: list[str]) -> None:
    """Write the page, or with ``--texts FILE`` the texts as calls of ``translate``."""
    if arguments[:1] == ["--texts"]:
        calls = [f'translate("Algorithms", {text!r})\n' for text in list_texts()]
        Path(arguments[1]).write_text("".join(calls), encoding="utf-8")
    else:
        PAGE.write_text(make_page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
