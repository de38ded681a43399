"""Two runs can be compared on the same ground only; else it is said what differs."""

import json

import pytest

from plugin.core.comparability import pair_blocks
from plugin.core.errors import InputError
from plugin.core.run_record import read_record
from tests.conftest import make_report


@pytest.fixture
def pair(make_run):
    """Return a function that pairs the blocks of a run with those of one with another report."""

    def make(*changes, **fields):
        report = make_report(**fields)
        for change in changes:
            change(report)
        return pair_blocks(read_record(make_run("first")), read_record(make_run("second", report=report)))

    return make


def test_blocks_of_the_same_ground_are_paired(pair):
    pairs = pair(hits=7)
    assert len(pairs) == 12
    assert (pairs[0].first, pairs[0].second) == ((5, 3, 5), (6, 3, 4))


def test_blocks_in_another_order_find_each_other(pair):
    pairs = pair(lambda report: report["blocks"].reverse())
    assert all(pair.first == pair.second for pair in pairs)


def test_ground_that_differs_by_less_than_a_pixel_is_the_same(pair):
    assert len(pair(left=0.4)) == 12


@pytest.mark.parametrize(
    ("changes", "said", "hint"),
    [
        ({"left": 30.0}, "different areas: 12 of 12 blocks lie elsewhere", "the other's areas"),
        ({"blocks": 9}, "different areas: 12 blocks against 9", "the other's areas"),
        ({"of": 11}, "against different labels in 12 of 12 blocks", "the other's labels"),
        ({"raster": {"crs": "EPSG:4326"}}, "one in EPSG:32645, the other in EPSG:4326", "the other's raster"),
        ({"schema": 1}, "second: The run was made by an older version", "Run the job again"),
    ],
)
def test_what_differs_is_said_with_a_next_step(pair, changes, said, hint):
    with pytest.raises(InputError) as caught:
        pair(**changes)
    assert said in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ([], "no counts by block"),
        (None, '"blocks" must be a list'),
        ([5], r'"blocks\[0\]" must be an object'),
        ([{"bounds": [1, 2]}], r'"blocks\[0\].bounds" must be a list'),
        ([{"bounds": [0, 0, 1, 1], "after": {}}], r'"blocks\[0\].after.tp" is missing'),
    ],
)
def test_a_report_without_counts_by_block_is_told(make_run, blocks, said):
    runs = [make_run("first"), make_run("second")]
    content = json.loads((runs[1] / "report.json").read_text("utf-8"))
    (runs[1] / "report.json").write_text(json.dumps({**content, "blocks": blocks}), "utf-8")
    with pytest.raises(InputError, match=said):
        pair_blocks(*map(read_record, runs))


def test_a_run_is_not_compared_with_itself(make_run):
    record = read_record(make_run())
    with pytest.raises(InputError, match="with itself"):
        pair_blocks(record, record)
