"""A file on a server that can be asked for in parts, for the tests of downloads."""

from __future__ import annotations

import hashlib
import random
import re

import pytest

from plugin.worker.downloads.download import Expected
from tests.conftest import Reply

BODY = random.Random(4).randbytes(3_000_000)
SHA256 = hashlib.sha256(BODY).hexdigest()
EXPECTED = Expected(len(BODY), len(BODY) + 1000, SHA256)


class FileServer:
    """A file on the server that can be asked for in parts; ``sent`` counts the bytes of its answers' bodies."""

    def __init__(self, body=BODY, **headers):
        self.body, self.headers = body, headers or {"ETag": '"one"'}
        self.sent, self.statuses = 0, []
        self.cuts = []  # after how many bytes the first answers break off
        self.knows_ranges = True

    def __call__(self, asked):
        reply = self._choose(asked)
        reply.cut = self.cuts.pop(0) if self.cuts else -1
        self.sent += len(reply.body) if reply.cut < 0 else reply.cut
        self.statuses.append(reply.status)
        return reply

    def _choose(self, asked):
        start = re.fullmatch(r"bytes=(\d+)-", asked.get("Range", ""))
        is_same = asked.get("If-Range") in (None, *self.headers.values())
        if not start or not self.knows_ranges or not is_same:
            return Reply(self.body, headers=self.headers)
        first, size = int(start[1]), len(self.body)
        if first >= size:
            return Reply(b"", status=416, headers={"Content-Range": f"bytes */{size}"})
        place = {"Content-Range": f"bytes {first}-{size - 1}/{size}"}
        return Reply(self.body[first:], status=206, headers={**self.headers, **place})


def list_left(target):
    return sorted(path.name for path in target.parent.iterdir()) if target.parent.exists() else []


def fail(fetch, kind, match, **options):
    """Fetch what must fail, and return the error, which has a next step."""
    with pytest.raises(kind, match=match) as caught:
        fetch(**options)
    assert caught.value.hint
    return caught.value
