"""Progress: the work takes it as a parameter and does not know the channel behind it."""

from __future__ import annotations

import re

#: What starts the work and owns the channel, and the package that defines it.
EDGE = {"__main__.py", "cli", "pipeline", "runtime"}


def test_the_work_does_not_know_the_channel(root):
    worker = root / "plugin" / "worker"
    work = [path for path in worker.rglob("*.py") if path.relative_to(worker).parts[0] not in EDGE]
    assert len(work) > 50
    assert [path for path in work if re.search(r"\bChannel\b", path.read_text("utf-8"))] == []
