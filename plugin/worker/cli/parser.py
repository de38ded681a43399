"""The command line's grammar, made from the declarations of the commands and their options."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from ...core.commands import COMMANDS, Command
from ...core.option import Option, list_options
from ...core.source_names import is_file_name


def read_command_line(arguments: list[str] | None = None) -> tuple[Command, Any]:
    """Return the command that is asked for and its options; exits with code 2 where they are no right usage."""
    parser = build_parser()
    given = vars(parser.parse_args(arguments))
    for text in sys.argv[1:] if arguments is None else arguments:
        if not is_file_name(text):
            parser.error(f"{text!a} is no Unicode text: give the file another name")
    command: Command = given.pop("command")
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    return command, command.options(**values)


def build_parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    parser = argparse.ArgumentParser(prog="python -m plugin.worker", description="Footprint Tuner's worker.")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        summary = command.summary.replace("%", "%%")
        own = verbs.add_parser(command.name, aliases=command.aliases, help=summary, description=command.summary)
        own.set_defaults(command=command)
        groups: dict[str, Any] = {}
        for option in list_options(command.options):
            if option.group and option.group not in groups:
                groups[option.group] = own.add_mutually_exclusive_group(required=option.is_required)
            _add_option(groups.get(option.group, own), option)
    return parser


def _add_option(parser: Any, option: Option) -> None:
    keywords: dict[str, Any] = {"help": option.description.replace("%", "%%")}
    if option.is_positional:
        keywords["metavar"] = option.metavar
        parser.add_argument(option.name, type=option.item_type, nargs="+" if option.is_list else None, **keywords)
    elif option.type is bool:
        parser.add_argument(option.flag, action="store_true", **keywords)
    elif isinstance(option.metavar, tuple):
        keywords.update(metavar=option.metavar, nargs=len(option.metavar))
        parser.add_argument(option.flag, type=option.item_type, **keywords)
    else:
        keywords.update(metavar=option.metavar or None, choices=option.choices or None)
        is_required = option.default is ...
        default = None if is_required else option.default
        parser.add_argument(option.flag, type=_choose_reader(option), required=is_required, default=default, **keywords)


def _choose_reader(option: Option) -> Callable[[str], Any]:
    """Return what makes an option's value of its text; it raises ValueError or ArgumentTypeError."""
    readers: dict[Any, Callable[[str], Any]] = {
        tuple[int, ...]: _read_bands,
        tuple[str, ...]: _read_words,
        tuple[float, ...]: _read_numbers,
        tuple[float, float]: _read_pair,
        tuple[tuple[float, float], ...]: _read_pairs,
    }
    kind: Callable[[str], Any] = readers.get(option.type, option.type)
    if not option.is_strict:
        return kind

    def read(text: str) -> Any:
        value = kind(text)
        if not option.accepts(value):
            raise argparse.ArgumentTypeError(option.rule)
        return value

    return read


def _read_words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _read_numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


def _read_pair(text: str) -> tuple[float, float]:
    low, high = _read_numbers(text)
    if not low < high:
        raise argparse.ArgumentTypeError("must be a lower and a higher number")
    return low, high


def _read_pairs(text: str) -> tuple[tuple[float, float], ...]:
    return tuple(_read_pair(part) for part in text.split(";"))


def _read_bands(text: str) -> tuple[int, ...]:
    bands = tuple(int(part) for part in text.split(","))
    if min(bands) < 0 or not any(bands):
        raise argparse.ArgumentTypeError("bands are counted from 1; 0 stands for one that the raster lacks")
    return bands
