"""An option, declared once: its command line, its Processing parameter, its place in ``job.json`` and every help.

A field of a frozen dataclass declares it, ``epochs: Annotated[Optional[int], Option("...", least=1)] = None``: name,
type and default are the field's own. Types are evaluated at run time, so they are written as Python 3.9 reads them.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, fields, replace
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

#: Kinds of Processing parameters that the type of a field does not tell.
EXTENT, FIELD, FOLDER, MODEL_FILE = "extent", "field", "folder", "model file"
POLYGONS, RASTER = "polygons", "raster"
_UNITS = {"m": "metres", "m²": "square metres", "px": "pixels"}


@dataclass(frozen=True)
class Option:
    """How a field of options is offered, and which values it takes.

    ``help`` is for every help, ``label`` the name of its Processing parameter ("": it has none), whose id is
    ``parameter`` ("": the field's name in capitals) and whose type is ``kind`` where the field's type does not tell it.
    ``subject`` begins the sentence that refuses a value ("": the label does). ``least`` and ``most`` belong to the
    interval where ``bounds`` has square brackets. At most one option of a ``group`` may be given, exactly one where
    ``is_required``. A command line refuses a value out of range as wrong usage only where ``is_strict``. The last four
    are the field's own; without a ``default`` (...) a value must be given.
    """

    help: str = ""
    label: str = ""
    parameter: str = ""
    kind: str = ""
    subject: str = ""
    unit: str = ""
    metavar: str | tuple[str, ...] = ""
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    bounds: str = "[]"
    multiple_of: int = 0
    group: str = ""
    is_positional: bool = False
    is_required: bool = False
    is_strict: bool = False
    name: str = ""
    type: Any = str
    is_optional: bool = False
    default: Any = ...

    @property
    def parameter_id(self) -> str:
        """The id of its Processing parameter."""
        return self.parameter or self.name.upper()

    @property
    def flag(self) -> str:
        """How it is written on the command line."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def is_list(self) -> bool:
        """Whether its value is a list of any length."""
        return Ellipsis in get_args(self.type)

    @property
    def item_type(self) -> Any:
        """The type of its value, of a list that of one of its members."""
        return (get_args(self.type) or (self.type,))[0]

    @property
    def default_text(self) -> str:
        """Its default in words; "" where it must be given, is switched off, or is found out by the command."""
        if self.default in (..., None, "", ()) or isinstance(self.default, bool):
            return "yes" if self.default is True else ""
        return f"{self.default:g}" if isinstance(self.default, float) else str(self.default)

    @property
    def description(self) -> str:
        """Its help with the default."""
        return f"{self.help} (default {self.default_text})".strip() if self.default_text else self.help

    @property
    def rule(self) -> str:
        """Which values may be given, as the end of a sentence; "" where any may."""
        unit = f" {_UNITS[self.unit]}" if self.unit else ""
        low, high = _write(self.least), f"{_write(self.most)}{unit}"
        if self.choices:
            return f"must be one of {', '.join(self.choices)}"
        if self.least is None or self.most is None:
            return "" if self.least is None else "must not be negative"
        if self.least == -self.most:
            return f"must be at most {high} either way"
        if self.multiple_of:
            return f"must be a multiple of {self.multiple_of}{unit}, from {low} to {_write(self.most)}"
        words = {"[]": "from {} to {}", "(]": "above {} and at most {}", "()": "between {} and {}"}
        return f"must be {words[self.bounds].format(low, high)}"

    def accepts(self, value: Any) -> bool:
        """Tell whether a value of its type may be given; one that is NaN may not."""
        if value is None or self.choices:
            return value is None or value in self.choices
        if self.least is None:
            return True
        most = float("inf") if self.most is None else self.most
        is_within = self.least <= value <= most and not (self.multiple_of and value % self.multiple_of)
        is_on_edge = (self.bounds[0] == "(" and value == self.least) or (self.bounds[1] == ")" and value == most)
        return is_within and not is_on_edge


def list_options(kind: type[Any]) -> tuple[Option, ...]:
    """Return the options that a dataclass declares, in its order; fields without an Option are none."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(option for field in fields(kind) if (option := _read_option(field, hints[field.name])) is not None)


def pick_options(kind: type[Any], *names: str) -> list[Option]:
    """Return the options of some fields, in this order."""
    options = {option.name: option for option in list_options(kind)}
    return [options[name] for name in names]


def list_arguments(options: Any) -> list[str]:
    """Return a command's options as its command line takes them; what is as by default is left out."""
    positional, named = list[str](), list[str]()
    for option in list_options(type(options)):
        value = getattr(options, option.name)
        if option.is_positional:
            positional += [str(item) for item in (value if isinstance(value, tuple) else (value,))]
        elif value is True:
            named.append(option.flag)
        elif value != option.default and isinstance(option.metavar, tuple):
            named += [option.flag, *(f"{item:.9f}" for item in value)]
        elif value != option.default:
            text = _join(value)
            named += [f"{option.flag}={text}"] if text.startswith("-") else [option.flag, text]
    return [*positional, *named]


def _join(value: Any) -> str:
    """Return a value as the command line takes it: members with commas between, pairs with semicolons."""
    if not isinstance(value, tuple):
        return str(value).removesuffix(".0") if isinstance(value, float) else str(value)
    return (";" if any(isinstance(each, tuple) for each in value) else ",").join(map(_join, value))


def _read_option(field: Field[Any], hint: Any) -> Option | None:
    option, is_optional = None, False
    while get_origin(hint) in (Annotated, Union):
        if get_origin(hint) is Annotated:
            hint, option = get_args(hint)
        else:
            (hint,), is_optional = [each for each in get_args(hint) if each is not type(None)], True
    if option is None:
        return None
    default = ... if field.default is MISSING else field.default
    return replace(option, name=field.name, type=hint, is_optional=is_optional, default=default)


def _write(number: float | None) -> str:
    return "" if number is None else f"{number:,.0f}" if number >= 10_000 else f"{number:g}"
