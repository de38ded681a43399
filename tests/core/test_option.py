"""An option is declared once: its rule, its help and its place on the command line follow from the declaration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Optional

import pytest

from plugin.core.command_options import PredictOptions, RunsOptions
from plugin.core.commands import COMMANDS
from plugin.core.job import Job, Settings
from plugin.core.option import Option, list_arguments, list_options

KINDS = [*(command.options for command in COMMANDS), Job, Settings]


@dataclass(frozen=True)
class Example:
    size: Annotated[int, Option("its size", unit="px", least=32, most=64, multiple_of=32)]
    share: Annotated[Optional[float], Option(least=0, most=1, bounds="()")] = None
    names: Annotated[tuple[str, ...], Option("what they are called")] = ("a", "b")
    weight: float = 1.0


def test_name_type_and_default_are_those_of_the_field():
    size, share, names = list_options(Example)
    assert (size.name, size.type, size.default, size.flag) == ("size", int, ..., "--size")
    assert (share.type, share.is_optional, share.default) == (float, True, None)
    assert (names.item_type, names.is_list, names.parameter_id) == (str, True, "NAMES")


@pytest.mark.parametrize(
    ("option", "rule", "right", "wrong"),
    [
        (Option(least=1, most=1000), "must be from 1 to 1000", (1, 1000, None), (0, 1001)),
        (Option(least=0, most=1e6, unit="m²"), "must be from 0 to 1,000,000 square metres", (0,), (-1, float("inf"))),
        (Option(least=0, most=1, bounds="(]"), "must be above 0 and at most 1", (1, 0.1), (0, 2, float("nan"))),
        (Option(least=0, most=1, bounds="()"), "must be between 0 and 1", (0.5,), (0, 1)),
        (Option(least=-9, most=9, unit="m"), "must be at most 9 metres either way", (-9, 9), (10,)),
        (Option(least=0), "must not be negative", (0, 10**400), (-1,)),
        (Option(choices=("a", "b")), "must be one of a, b", ("a",), ("c",)),
        (list_options(Example)[0], "must be a multiple of 32 pixels, from 32 to 64", (32, 64), (0, 48, 96)),
        (Option(), "", ("anything",), ()),
    ],
)
def test_a_rule_says_what_is_accepted(option, rule, right, wrong):
    assert option.rule == rule
    assert all(option.accepts(value) for value in right)
    assert not any(option.accepts(value) for value in wrong)


@pytest.mark.parametrize(
    ("default", "text"),
    [(..., ""), (None, ""), ("", ""), ((), ""), (False, ""), (True, "yes"), (0, "0"), (0.25, "0.25"), ("auto", "auto")],
)
def test_a_default_is_told_where_there_is_one(default, text):
    assert Option(default=default).default_text == text
    assert Option("its help", default=default).description == (f"its help (default {text})" if text else "its help")


def test_options_become_arguments_without_what_is_by_default():
    options = PredictOptions("r.tif", "starter", "f.gpkg", (-1e-7, 0, 2.5, 3), bands=(3, 2, 0), events=True)
    assert list_arguments(options) == [
        *("--raster", "r.tif", "--model", "starter", "--out", "f.gpkg"),
        *("--box", "-0.000000100", "0.000000000", "2.500000000", "3.000000000", "--bands", "3,2,0", "--events"),
    ]
    assert list_arguments(RunsOptions(("a", "b"), json=True)) == ["a", "b", "--json"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_field_is_declared_with_a_help_and_a_default_that_it_accepts(kind):
    for option in list_options(kind):
        assert option.help, option.name
        assert option.default in (..., ()) or option.accepts(option.default), option.name
