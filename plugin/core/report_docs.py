"""The help and the JSON schema of report.json, made from the dataclasses that read it.

``python -m plugin.core.report_docs`` writes both; a test tells where they are not up to date.
"""

from __future__ import annotations

import json
import re
from dataclasses import Field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from .json_codec import take_apart
from .paths import RESOURCES
from .report import REPORT_SCHEMA, Block, Link, Report, ThresholdChange
from .score import Rates, Score

HELP = RESOURCES / "help" / "report.md"
SCHEMA = RESOURCES / "help" / "report.schema.json"
#: Those with a table of their own; any other is described where it stands.
TABLES = (Report, Score, Rates, ThresholdChange, Link, Block)
_HEAD = "| field | type, unit | meaning |\n|---|---|---|\n"
_TABLE = re.compile(r"(<!-- fields of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_WORDS = {str: "text", bool: "true or false", int: "whole number", float: "number", tuple: "list"}
#: A part of a JSON schema.
Rule = dict[str, Any]
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number"}


def describe_fields(text: str) -> str:
    """Return the help with its tables of fields as the dataclasses have them."""
    kinds = {kind.__name__: kind for kind in TABLES}
    known = set(TABLES)  # what is described already
    return _TABLE.sub(lambda found: f"{found[1]}{_HEAD}{_list_rows(kinds[found[2]], known)}{found[3]}", text)


def build_schema() -> Rule:
    """Return the JSON schema of a report."""
    parts: Rule = {}
    rule = _rule_object(Report, parts)
    title = f"The report of a run of Footprint Tuner (report.json), schema {REPORT_SCHEMA}"
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return {**head, "description": "What each field means is told in report.md.", **rule, "$defs": parts}


def _list_rows(kind: type[Any], known: set[type[Any]]) -> str:
    hints = get_type_hints(kind)
    rows = [(each, hints[each.name]) for each in fields(kind)]
    return "".join(
        f"| `{each.name}` | {_name_type(each, hint)} | {_describe(each, hint, known)} |\n" for each, hint in rows
    )


def _name_type(item: Field[Any], hint: Any) -> str:
    kind, _ = take_apart(hint)
    name = item.metadata.get("const") or item.metadata.get("unit") or _WORDS.get(get_origin(kind) or kind, "object")
    return f"{name} or `null`" if "null" in item.metadata else str(name)


def _describe(item: Field[Any], hint: Any, known: set[type[Any]]) -> str:
    """Return what a field says, with the fields of an object that is not described yet."""
    text, kind = item.metadata["text"], _find_dataclass(hint)
    if kind is not None and kind not in known:
        known.add(kind)
        hints = get_type_hints(kind)
        shared = {each.name for base in known & set(kind.__bases__) for each in fields(base)}
        own = [each for each in fields(kind) if each.metadata and each.name not in shared]
        text += "".join(
            f"{'; ' if i else ': '}`{each.name}`, {_describe(each, hints[each.name], known)}"
            for i, each in enumerate(own)
        )
    return f"{text} (`null`: {item.metadata['null']})" if "null" in item.metadata else text


def _find_dataclass(hint: Any) -> type[Any] | None:
    """Return the dataclass that a type is, or is a list or an object of."""
    kind, _ = take_apart(hint)
    inner = get_args(kind)[-2:][0 if get_origin(kind) is tuple else -1] if get_args(kind) else kind
    return inner if is_dataclass(inner) and isinstance(inner, type) else None


def _rule_object(kind: type[Any], parts: Rule) -> Rule:
    hints = get_type_hints(kind)
    rules = {each.name: _rule_field(each, hints[each.name], parts) for each in fields(kind)}
    required = [each.name for each in fields(kind) if not {"is_optional", "is_omitted"} & set(each.metadata)]
    return {"type": "object", "properties": rules, "required": required, "additionalProperties": False}


def _rule_field(item: Field[Any], hint: Any, parts: Rule) -> Rule:
    if "const" in item.metadata:
        return {"const": item.metadata["const"]}
    kind, may_be_none = take_apart(hint)
    bounds = {
        name: item.metadata[key] for name, key in (("minimum", "least"), ("maximum", "most")) if key in item.metadata
    }
    rule = _rule(kind, bounds, parts)
    shortest, longest = item.metadata.get("length", (None, None))
    rule |= {name: value for name, value in (("minItems", shortest), ("maxItems", longest)) if value is not None}
    if "keys" in item.metadata:
        each = rule.pop("additionalProperties")
        keys = list(item.metadata["keys"])
        rule |= {"properties": dict.fromkeys(keys, each), "required": keys, "additionalProperties": False}
    is_null = "null" in item.metadata or (may_be_none and not item.metadata)
    if not is_null:
        return rule
    if "$ref" in rule:
        rule = dict(parts[rule["$ref"].rpartition("/")[2]])
    return {**rule, "type": [rule["type"], "null"]}


def _rule(kind: Any, bounds: Rule, parts: Rule) -> Rule:
    """Return the rule of a type; ``bounds`` hold for its numbers, ``parts`` takes up the rules of dataclasses."""
    origin, inner = get_origin(kind), get_args(kind)
    if is_dataclass(kind) and isinstance(kind, type):
        name = kind.__name__
        if name not in parts:
            parts[name] = _rule_object(kind, parts)
        return {"$ref": f"#/$defs/{name}"}
    if origin is dict:
        return (
            {"type": "object"}
            if inner[1] is object
            else {"type": "object", "additionalProperties": _rule(inner[1], bounds, parts)}
        )
    if origin is tuple:
        count = {} if Ellipsis in inner else {"minItems": len(inner), "maxItems": len(inner)}
        return {"type": "array", "items": _rule(inner[0], bounds, parts), **count}
    return {"type": _TYPES[kind], **(bounds if kind in (int, float) else {})}


def write(folder: Path = HELP.parent) -> None:
    """Write the help and the schema anew."""
    (folder / HELP.name).write_text(describe_fields(HELP.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / SCHEMA.name).write_text(json.dumps(build_schema(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
