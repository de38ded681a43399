"""Dataclasses from JSON and back; the annotations say what may stand in a file."""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, field, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Mapping, Optional, TypeVar, Union, get_args, get_origin, get_type_hints

_T = TypeVar("_T")
_NAMES = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}
_PLURALS = {str: "texts", int: "whole numbers", float: "numbers"}
_ACCEPTED = {str: (str,), bool: (bool,), int: (int,), float: (int, float)}


class WrongValueError(ValueError):
    """What a file holds is not what a field asks for; its text is a sentence."""


class MissingValueError(WrongValueError):
    """A file lacks a field that has no default."""

    def __init__(self, name: str) -> None:
        super().__init__(f'"{name}" is missing.')
        self.name = name


def described(text: str, *, default: Any = MISSING, default_factory: Any = MISSING, **facts: Any) -> Any:
    """Return a field that help and schema can describe.

    ``unit`` stands in the help, ``null`` says there what null means ("": it is never null), ``least``, ``most`` and
    ``length`` (least, most) bound its value, which is finite unless it ``may_be_nan``. ``is_optional``: a file may lack
    it; ``is_omitted``: it does where it is None.
    """
    given = {"default": default} if default_factory is MISSING else {"default_factory": default_factory}
    return field(metadata={"text": text, **facts}, **given)


def decode(
    kind: type[_T],
    content: object,
    faults: Optional[list[str]] = None,
    place: str = "",
    base: Optional[_T] = None,
) -> _T:
    """Return the dataclass that a JSON object holds; unknown keys are passed over, missing ones take their default.

    A value of the wrong type is told in ``faults``, a sentence each, and takes the default as well; without ``faults``,
    or a default, it raises WrongValueError. ``place`` stands before the names of fields in these sentences. The values
    of ``base`` are the defaults of fields that have none of their own.
    """
    if not isinstance(content, dict):
        raise _refuse(place, kind, content)
    values = {}
    dataclass: Any = kind
    for item, hint in _list_fields(dataclass):
        key = _choose_key(item, content)
        where = f"{place}.{key}" if place else key
        has_default = item.default is not MISSING or item.default_factory is not MISSING
        if base is not None and not has_default:
            values[item.name], has_default = getattr(base, item.name), True
        if key not in content:
            if not has_default:
                raise MissingValueError(where)
            continue
        try:
            value, facts = content[key], item.metadata
            if "text" in facts and not facts.get("may_be_nan") and not _is_finite(value):
                raise _refuse(where, hint, value)
            values[item.name] = _decode(hint, value, faults, where)
        except WrongValueError as error:
            if faults is None or not has_default:
                raise
            faults.append(str(error))
    return kind(**values)


def encode(value: object) -> Any:
    """Return a value as JSON knows it."""
    if is_dataclass(value):
        items = [(item, getattr(value, item.name)) for item in fields(value)]
        known = [(item, each) for item, each in items if each is not None or not item.metadata.get("is_omitted")]
        return {item.metadata.get("key", item.name): encode(each) for item, each in known}
    if isinstance(value, Mapping):
        return {name: encode(each) for name, each in value.items()}
    return [encode(each) for each in value] if isinstance(value, (list, tuple)) else value


def read_object(path: Path) -> dict[str, object] | None:
    """Return the JSON object in a file, None where there is none that can be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def take_apart(hint: Any) -> tuple[Any, bool]:
    """Return a type without the None that it may have, and whether it has."""
    parts = get_args(hint) if get_origin(hint) is Union else (hint,)
    return next(part for part in parts if part is not type(None)), type(None) in parts


def _choose_key(item: Any, content: Mapping[str, object]) -> str:
    """Return the key of a field in a file: the ``key`` of its metadata, which files keep, or else its name."""
    key = str(item.metadata.get("key", item.name))
    return key if key in content or item.name not in content else str(item.name)


@cache
def _list_fields(kind: Any) -> list[tuple[Any, Any]]:
    hints = get_type_hints(kind)
    return [(item, hints[item.name]) for item in fields(kind)]


def _decode(hint: Any, value: Any, faults: Optional[list[str]], place: str) -> Any:
    kind, may_be_none = take_apart(hint)
    origin, parts = get_origin(kind), get_args(kind)
    if kind is object or (value is None and may_be_none):
        return value
    if is_dataclass(kind) and isinstance(kind, type) and isinstance(value, dict):
        return decode(kind, value, faults, place)
    if origin in (list, tuple) and isinstance(value, list):
        hints = parts if origin is tuple and Ellipsis not in parts else parts[:1] * len(value)
        try:
            if len(hints) == len(value):
                pairs = enumerate(zip(hints, value))
                return origin(_decode(each, item, None, f"{place}[{i}]") for i, (each, item) in pairs)
        except WrongValueError:
            if any(get_args(each) or is_dataclass(each) for each in hints):
                raise  # of a list of plain values the whole list is told
    elif origin is dict and isinstance(value, dict):
        return {name: _decode(parts[1], each, None, f"{place}.{name}") for name, each in value.items()}
    elif isinstance(value, _ACCEPTED.get(kind, ())) and isinstance(value, bool) == (kind is bool):
        return value
    raise _refuse(place, hint, value)


def _is_finite(value: object) -> bool:
    """Tell whether there is no NaN and no infinity in a value or its list."""
    if isinstance(value, list):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _refuse(place: str, hint: Any, value: object) -> WrongValueError:
    return WrongValueError(f'"{place}" must be {name_type(hint)}, not {json.dumps(value)[:80]}.')


def name_type(hint: Any) -> str:
    """Return a type in words, such as "a list of numbers or null"."""
    kind, may_be_none = take_apart(hint)
    if get_origin(kind) in (list, tuple):
        name = f"a list of {_PLURALS.get(take_apart(get_args(kind)[0])[0], 'objects')}"
    else:
        name = _NAMES.get(kind, "an object")
    return f"{name} or null" if may_be_none else name
