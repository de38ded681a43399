"""How each building fared: read from a file, chosen from, sorted."""

import math
import sqlite3
import struct
from contextlib import closing

import pytest

from plugin.core.building_outcomes import (
    BADLY,
    BASE,
    FOUND,
    MISSED,
    TUNED,
    WRONG,
    Choice,
    choose_outcomes,
    count_kinds,
    read_outcomes,
    sort_outcomes,
)
from plugin.core.errors import RunError

ROWS = (
    ("TP", 100.0, 0.9, 0.8),
    ("TP", 300.0, 0.55, 0.7),
    ("FP", 50.0, 0.0, 0.6),
    ("FN", 400.0, 0.2, None),
    ("FN", 20.0, 0.0, None),
    ("FP", None, None, None),
)


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a table of buildings as a GeoPackage holds it, each with an outline of its own."""

    def make(rows=ROWS, layer=TUNED, name="errors.gpkg"):
        path = tmp_path / name
        with closing(sqlite3.connect(path)) as file:
            file.execute(
                f'CREATE TABLE IF NOT EXISTS "{layer}"'
                " (fid INTEGER PRIMARY KEY, geom, outcome, iou, area_m2, confidence)"
            )
            file.execute(f'DELETE FROM "{layer}"')
            for number, (kind, area_m2, iou, confidence) in enumerate(rows, 1):
                outline = b"GP\0\3" + struct.pack("<i5d", 3857, number, number + 1.0, 0, 1, number)
                values = (number, outline, kind, iou, area_m2, confidence)
                file.execute(f'INSERT INTO "{layer}" VALUES (?, ?, ?, ?, ?, ?)', values)
            file.commit()
        return path

    return make


def list_kinds(outcomes):
    return [(each.kind, each.area_m2) for each in outcomes]


def test_errors_come_first_the_largest_at_the_top_and_then_what_is_outlined_worst(write):
    outcomes = read_outcomes(write(), TUNED)
    assert list_kinds(outcomes) == [
        ("FN", 400.0),
        ("FP", 50.0),
        ("FN", 20.0),
        ("FP", None),
        ("TP", 300.0),
        ("TP", 100.0),
    ]


def test_each_model_has_a_layer_of_its_own(write):
    write(ROWS[:1], BASE)
    assert [each.kind for each in read_outcomes(write(ROWS[2:3]), TUNED)] == ["FP"]
    assert [each.kind for each in read_outcomes(write(), BASE)] == ["TP"]


def test_a_name_with_other_letters_and_signs_is_no_hindrance(write, tmp_path):
    (tmp_path / "Büro #1 %41 建物?").mkdir()
    path = write(name="Büro #1 %41 建物?/errors.gpkg")
    assert len(read_outcomes(path, TUNED)) == len(ROWS)


def test_reading_changes_nothing_in_the_file_or_beside_it(write, tmp_path):
    path = write()
    before = path.read_bytes()
    read_outcomes(path, TUNED)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["errors.gpkg"]


def test_what_is_no_number_is_not_known_and_an_unknown_kind_is_passed_over(write):
    path = write([("FP", "wide", math.inf, b"x"), (None, 1.0, 1.0, 1.0), ("??", 1.0, 1.0, 1.0)])
    (outcome,) = read_outcomes(path, TUNED)
    assert outcome[1:5] == ("FP", None, None, None)


def test_a_file_that_is_gone_broken_or_without_the_layer_is_told_with_a_next_step(write, tmp_path):
    with pytest.raises(RunError, match="no longer in the run's folder") as told:
        read_outcomes(tmp_path / "errors.gpkg", TUNED)
    assert "another run" in told.value.hint
    write(layer=BASE)
    with pytest.raises(RunError, match="cannot be read: no such table"):
        read_outcomes(tmp_path / "errors.gpkg", TUNED)
    (tmp_path / "errors.gpkg").write_bytes(b"no database" * 100)
    with pytest.raises(RunError, match="cannot be read"):
        read_outcomes(tmp_path / "errors.gpkg", TUNED)


def test_reading_ends_soon_after_it_is_cancelled(write):
    path = write(ROWS * 1000)
    assert len(read_outcomes(path, TUNED, lambda: True)) < len(ROWS) * 1000


def test_a_building_keeps_its_mark_when_the_file_is_written_anew_in_another_order(write):
    first = {each.area_m2: each.mark for each in read_outcomes(write(), TUNED)}
    path = write()
    with closing(sqlite3.connect(path)) as file:
        file.execute('UPDATE "after" SET fid = fid + 100, confidence = 0.1')
        file.commit()
    assert {each.area_m2: each.mark for each in read_outcomes(path, TUNED)} == first
    assert len(set(first.values())) == len(ROWS)


@pytest.mark.parametrize(
    ("choice", "areas"),
    [
        (Choice(), [400.0, 50.0, 20.0, None, 300.0, 100.0]),
        (Choice(MISSED), [400.0, 20.0]),
        (Choice(WRONG), [50.0, None]),
        (Choice(FOUND), [300.0, 100.0]),
        (Choice(BADLY), [300.0]),
        (Choice("", 50.0, 300.0), [50.0, 300.0, 100.0]),
        (Choice(MISSED, 30.0), [400.0]),
    ],
)
def test_buildings_are_chosen_by_kind_and_size(write, choice, areas):
    assert [each.area_m2 for each in choose_outcomes(read_outcomes(write(), TUNED), choice)] == areas


def test_those_that_were_looked_at_are_left_out_where_that_is_asked_for(write):
    outcomes = read_outcomes(write(), TUNED)
    seen = {outcomes[0].mark}
    assert choose_outcomes(outcomes, Choice(is_new_only=True), seen) == outcomes[1:]
    assert choose_outcomes(outcomes, Choice(), seen) == outcomes


def test_kinds_are_counted(write):
    assert count_kinds(read_outcomes(write(), TUNED)) == (2, 2, 2, 1)
    assert count_kinds([]) == (0, 0, 0, 0)


@pytest.mark.parametrize("is_falling", [False, True])
def test_what_is_not_known_comes_last_whichever_way_the_table_is_sorted(write, is_falling):
    outcomes = sort_outcomes(read_outcomes(write(), TUNED), "confidence", is_falling=is_falling)
    assert [each.confidence for each in outcomes[:3]] == sorted([0.6, 0.7, 0.8], reverse=is_falling)
    assert list_kinds(outcomes[3:]) == [("FN", 400.0), ("FN", 20.0), ("FP", None)]
