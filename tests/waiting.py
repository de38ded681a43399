"""Waiting for what must come, however busy the machine is: no test fails because it came late."""

from __future__ import annotations

import time

LIMIT_S = 300


def wait_until(is_so, limit_s=LIMIT_S):
    """Return the answer once it is yes; it is asked again and again."""
    end = time.monotonic() + limit_s
    while not (answer := is_so()):
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)
    return answer
