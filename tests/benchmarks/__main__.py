"""``make bench``: seconds, and their ratio to a named reference that is timed in the same run.

``make bench ARGS=coverage`` counts how often the intervals hold the truth, ``make bench ARGS=memory`` measures the
memory of tracing, ``make bench ARGS="ablation ..."`` what each part is worth, ``make bench ARGS=encoders`` takes one
step of learning with many networks, ``make bench ARGS="shift FOLDER"`` says how well labels that lie off are found,
``make bench ARGS=improve`` what corrections are worth, and ``make bench ARGS="cancel RUN_FOLDER"`` how soon a cancel is
heard.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import shapely

from plugin.worker.evaluation.metrics import match_footprints
from tests.benchmarks import ablation, cancel, coverage, encoders, improve, memory, shift


def make_footprints(count: int) -> tuple[Any, Any, Any]:
    """Return truths, proposals (the truths moved and resized a little) and confidences."""
    rng = np.random.default_rng(11)
    corners = rng.uniform(0, 40 * count**0.5, (count, 2))
    sizes = rng.uniform(8, 20, (count, 2))
    truths = shapely.box(*corners.T, *(corners + sizes).T)
    moved = corners + rng.normal(0, 2, (count, 2))
    proposals = shapely.box(*moved.T, *(moved + sizes * rng.uniform(0.8, 1.2, (count, 2))).T)
    return truths, proposals, rng.random(count)


def match_plainly(truths: Any, proposals: Any, confidence: Any) -> int:
    """The reference: the same rule, every proposal against every truth that is left; returns the matches."""
    left, matches = list(truths), 0
    for i in np.argsort(-confidence, kind="stable"):
        remaining = np.array(left, dtype=object)
        shared = shapely.area(shapely.intersection(proposals[i], remaining))
        overlaps = shared / (shapely.area(proposals[i]) + shapely.area(remaining) - shared)
        best = int(np.argmax(overlaps))
        if overlaps[best] > 0.5:
            matches += 1
            left.pop(best)
    return matches


def measure(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that the work takes, the best of three, and its result."""
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - began)
    return min(seconds), result


def main(arguments: list[str]) -> int:
    """Run the benchmark that is named, or those of the score."""
    named = {
        "memory": memory.main,
        "ablation": ablation.main,
        "cancel": cancel.main,
        "encoders": encoders.main,
        "coverage": coverage.main,
        "shift": shift.main,
        "improve": improve.main,
    }
    if arguments and arguments[0] in named:
        named[arguments[0]](arguments[1:])
        return 0
    return compare_matchers()


def compare_matchers() -> int:
    """Print the seconds of matching; fails where the matcher and its reference disagree."""
    truths, proposals, confidence = make_footprints(2000)
    plain_s, plain = measure(lambda: match_plainly(truths, proposals, confidence))
    indexed_s, indexed = measure(lambda: match_footprints(truths, proposals, confidence).score.tp)
    print(f"match 2,000 x 2,000   indexed {indexed_s:.3f} s   plain loop {plain_s:.3f} s   {plain_s / indexed_s:.0f} x")
    many = make_footprints(10_000)
    large_s, found = measure(lambda: match_footprints(*many).score.tp)
    print(f"match 10,000 x 10,000 indexed {large_s:.3f} s   ({found} matches)")
    return 0 if plain == indexed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
