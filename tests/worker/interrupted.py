"""A cancel that comes at a chosen moment of a run, for certain."""

from __future__ import annotations

from plugin.worker.runtime.channel import Channel


class Interrupted(Channel):
    """A channel on which a cancel comes as soon as a stage begins; ``begun`` are the stages that did."""

    def __init__(self, stage):
        super().__init__(is_spoken=False, listens=False)
        self.begun = []
        self._last = stage

    def start_stage(self, stage, resumed=False):
        super().start_stage(stage, resumed)
        self.begun.append(stage)
        if stage == self._last:
            self._cancelled.set()
