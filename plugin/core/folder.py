"""The names of the files in a run's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunFolder:
    """The files of the run in ``path``; each may be absent until its stage has ended."""

    path: Path

    @property
    def job(self) -> Path:
        """The run's whole input."""
        return self.path / "job.json"

    @property
    def labels(self) -> Path:
        """The labels as they were when the run began, written by QGIS."""
        return self.path / "labels.gpkg"

    @property
    def areas(self) -> Path:
        """The areas as they were when the run began, written by QGIS."""
        return self.path / "areas.gpkg"

    @property
    def events(self) -> Path:
        """Every event of the run, a JSON object a line."""
        return self.path / "events.jsonl"

    @property
    def log(self) -> Path:
        """The worker's standard error."""
        return self.path / "log.txt"

    @property
    def lock(self) -> Path:
        """Held by the worker while it runs here."""
        return self.path / "run.lock"

    @property
    def state(self) -> Path:
        """Which stages have ended, for resuming."""
        return self.path / "state.json"

    @property
    def split(self) -> Path:
        """Layers ``blocks`` (ground with its role) and ``labels`` (with the role of their ground)."""
        return self.path / "split.gpkg"

    @property
    def checkpoint(self) -> Path:
        """The state of a tuning that was broken off."""
        return self.path / "checkpoint.pt"

    @property
    def model(self) -> Path:
        """The tuned model's weights."""
        return self.path / "model.safetensors"

    @property
    def card(self) -> Path:
        """The tuned model's card."""
        return self.path / "model.json"

    @property
    def base_probability(self) -> Path:
        """The base model's building probability on scored ground, 0 to 254 for 0 to 1, 255 is nodata."""
        return self.path / "base_probability.tif"

    @property
    def probability(self) -> Path:
        """The tuned model's building probability, 0 to 254 for 0 to 1, 255 is nodata."""
        return self.path / "probability.tif"

    @property
    def base_footprints(self) -> Path:
        """The base model's footprints on held-out ground."""
        return self.path / "base_footprints.gpkg"

    @property
    def footprints(self) -> Path:
        """The tuned model's footprints, in the raster's coordinate system."""
        return self.path / "footprints.gpkg"

    @property
    def errors(self) -> Path:
        """Layers ``before`` and ``after``: every building of held-out ground, and whether it is TP, FP or FN."""
        return self.path / "errors.gpkg"

    @property
    def report(self) -> Path:
        """The scores before and after, and how they came about, for programs."""
        return self.path / "report.json"

    @property
    def page(self) -> Path:
        """The same, for readers."""
        return self.path / "report.html"

    @property
    def earlier(self) -> Path:
        """Of a run that improves another one's model: that one's ``split.gpkg``, copied."""
        return self.path / "earlier.gpkg"

    @property
    def earlier_report(self) -> Path:
        """Of a run that improves another one's model: that one's ``report.json``, copied."""
        return self.path / "earlier.json"

    @property
    def corrections(self) -> Path:
        """Layers ``footprints`` (corrected by the user) and ``checked`` (ground where they are right)."""
        return self.path / "corrections.gpkg"

    @property
    def note(self) -> Path:
        """What the user wrote about the run."""
        return self.path / "note.txt"

    @property
    def files(self) -> tuple[Path, ...]:
        """All of the files above, there or not."""
        names = [name for name, value in vars(RunFolder).items() if isinstance(value, property)]
        return tuple(getattr(self, name) for name in names if name not in ("files", "written", "is_resumable"))

    @property
    def written(self) -> tuple[Path, ...]:
        """What a run itself writes: all but its input and what the user makes there."""
        given = (self.job, self.labels, self.areas, self.earlier, self.earlier_report, self.corrections, self.note)
        return tuple(path for path in self.files if path not in given)

    @property
    def is_resumable(self) -> bool:
        """Whether a run was begun here. One that had come to its end only tells its result again."""
        return self.job.exists()
