"""Seams: a piece goes on beyond a chunk's edge where both chunks see the same building on both sides of it."""

from __future__ import annotations

import numpy as np
import pytest
from rasterio.windows import Window

from plugin.worker.polygons.stitch import Seams, find_edges, group_linked

CORE = (slice(1, 4), slice(1, 4))


def edges_of(places, core=CORE):
    places = np.array(places, dtype="int32")
    pieces = places[core]
    return find_edges(places, pieces, core)


def test_a_piece_goes_on_where_the_pixel_beyond_is_of_the_same_building():
    edges = edges_of([[0, 1, 0, 0, 0], [0, 1, 1, 2, 2], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]])
    assert edges.top.tolist() == [1, 0, 0]
    assert edges.right.tolist() == [2, 0, 0]
    assert edges.left.tolist() == edges.bottom.tolist() == [0, 0, 0]
    assert edges.count == 2


def test_a_neighbour_beyond_the_edge_is_another_building():
    edges = edges_of([[0, 2, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]])
    assert not edges.top.any()


def test_at_the_rasters_edge_nothing_goes_on():
    places = np.ones((3, 3), dtype="int32")
    edges = find_edges(places, places, (slice(0, 3), slice(0, 3)))
    assert not any(edge.any() for edge in (edges.top, edges.bottom, edges.left, edges.right))


def test_two_chunks_link_only_what_both_see_go_on():
    """The left chunk sees one building across the seam in both rows, the right one only in the first."""
    left = edges_of([[0, 0, 0, 0], [0, 1, 1, 1], [0, 1, 1, 1], [0, 0, 0, 0]], (slice(1, 3), slice(1, 3)))
    right = edges_of([[0, 0, 0, 0], [5, 5, 5, 0], [0, 7, 7, 0], [0, 0, 0, 0]], (slice(1, 3), slice(1, 3)))
    seams = Seams(4)
    seams.add(Window(0, 0, 2, 2), left)
    seams.add(Window(2, 0, 2, 2), right)
    groups = seams.group(1 + 7)
    assert groups[0] == groups[1 + 4]
    assert groups[0] != groups[1 + 6]


def test_no_pieces_make_no_groups_and_pieces_without_links_one_each():
    assert group_linked(np.empty((0, 2), np.int64), 0).tolist() == []
    assert group_linked(np.empty((0, 2), np.int64), 3).tolist() == [0, 1, 2]
    assert Seams(4).group(2).tolist() == [0, 1]


@pytest.mark.parametrize("seed", range(20))
def test_linked_pieces_are_one_group_numbered_by_its_first_piece(seed):
    rng = np.random.default_rng(seed)
    links = rng.integers(0, 40, (rng.integers(0, 60), 2))
    owners = np.arange(40)
    for _ in range(40):  # the smallest number spreads along the links until nothing changes
        for first, second in links:
            owners[first] = owners[second] = min(owners[first], owners[second])
    assert group_linked(links, 40).tolist() == np.unique(owners, return_inverse=True)[1].tolist()
