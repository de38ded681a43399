"""The command line follows from the declarations, and gives each command its own options."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin.core.command_options import AdoptOptions, ImproveOptions, PredictOptions, RunsOptions, ScoreOptions
from plugin.core.commands import COMMANDS
from plugin.core.option import list_arguments
from plugin.worker.__main__ import FUNCTIONS
from plugin.worker.cli.parser import read_command_line


def test_every_command_has_a_function():
    assert set(FUNCTIONS) == {command.name for command in COMMANDS}


@pytest.mark.parametrize(
    "options",
    [
        PredictOptions("r.tif", "m", Path("o.gpkg"), (-1.5, 0.0, 2.5, 3.0), "", "EPSG:4326", (3, 2, 0), 4.0, "cpu"),
        PredictOptions("r.tif", "m", Path("o.gpkg"), ground="g.gpkg|areas", probability=Path("p.tif"), threshold=0.4),
        ScoreOptions("t.gpkg", "f.gpkg", 0.25, 2.0, "sure", "image", Path("e.gpkg"), interval=True, json=True),
        ImproveOptions(Path("run"), Path("new"), epochs=3, learning_rate=1e-5, seed=0, device="cpu"),
        AdoptOptions(
            Path("w.pth"),
            Path("c.json"),
            bands=("red", "green"),
            mean=(0.5, 0.25),
            value_range=(-5.0, 255.0),
            stretch=((0.0, 1.0), (2.0, 3.0)),
        ),
        RunsOptions((Path("a"), Path("b"))),
    ],
    ids=lambda options: type(options).__name__,
)
def test_options_that_are_written_as_arguments_are_read_as_they_were(options):
    (name,) = [command.name for command in COMMANDS if command.options is type(options)]
    command, read = read_command_line([name, *list_arguments(options)])
    assert command.name == name
    assert read == options


@pytest.mark.parametrize(
    ("alias", "name", "arguments"),
    [
        ("check-imagery", "liken", ["--raster", "r.tif", "--model", "m"]),
        ("import-weights", "adopt", ["w.pth", "--guess"]),
        ("set-threshold", "retrace", ["run", "--chosen"]),
        ("pack", "send", ["run", "--out", "r.zip"]),
    ],
)
def test_an_alias_is_the_same_command(alias, name, arguments):
    assert read_command_line([alias, *arguments]) == read_command_line([name, *arguments])


@pytest.mark.parametrize(
    "arguments",
    [
        ("adopt", "w.pth"),
        ("adopt", "w.pth", "--out", "c.json", "--guess"),
        ("adopt", "w.pth", "--guess", "--value-range", "5,5"),
        ("predict", "--raster", "r", "--model", "m", "--out", "o", "--box", "0", "0", "1", "1", "--ground", "g"),
        ("retrace", "run", "--min-area-m2", "-1"),
        ("spacenet", "folder", "--out", "o", "--held-out-share", "1"),
        ("runs",),
        ("runs", "not\udcffUnicode"),
    ],
)
def test_wrong_usage_exits_with_two(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        read_command_line(list(arguments))
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err
