"""The section of a page that shows the models from the base to the improved one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from .scores import read_interval
from .source import ReportSource, pick, read_number
from .svg import AFTER, BEFORE, Row, draw_rows
from .text import UNKNOWN, write_change, write_interval, write_score

_NAMES = {"base": "Base model", "tuned": "Tuned model", "improved": "Improved model"}
_COLOURS = {"base": BEFORE, "tuned": "#56b4e9", "improved": AFTER}
_INTRODUCTION = (
    "Each model was tuned from the one before it. All of them were scored on the same held-out ground, block by block, "
    "and none of them ever learnt from it: corrected and checked ground lies elsewhere."
)


@dataclass(frozen=True)
class Link:
    """A model of the chain: what it is called, its F1 by building, and what else the report says of it."""

    name: str
    f1: float
    content: Any

    @property
    def role(self) -> str:
        """What the model is in the chain, such as ``improved``."""
        return self.tell("role")

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of its F1, None where there is none."""
        return read_interval(pick(self.content, "building", "interval"))

    @property
    def more(self) -> str:
        """Its title and its run."""
        return " \u00b7 ".join(filter(None, (self.tell("title"), self.tell("run"))))

    @property
    def figures(self) -> tuple[str, ...]:
        """F1, interval, change, precision, recall and F1 by pixel, as they are written."""
        places = (("building", "precision"), ("building", "recall"), ("pixel", "f1"))
        scores = (write_score(self.measure(*place)) for place in places)
        change = write_change(self.measure("difference", "f1"))
        return write_score(self.f1), write_interval(self.interval) or UNKNOWN, change, *scores

    def tell(self, *names: str) -> str:
        """Return a text of the report, "" where there is none."""
        return str(pick(self.content, *names) or "")

    def measure(self, *names: str) -> float | None:
        """Return a number of the report, None where there is none."""
        return read_number(pick(self.content, *names))


def read_links(facts: ReportSource) -> list[Link]:
    """Return the models of a report's chain whose F1 is known; [] where it holds none."""
    links: list[Link] = []
    for content in facts.pick_list("chain"):
        f1, role = read_number(pick(content, "building", "f1")), str(pick(content, "role") or "")
        if f1 is not None:
            count = sum(link.role == role for link in links)
            links.append(Link(_NAMES.get(role, role) + (f" {count + 1}" if count else ""), f1, content))
    return links


def name_models(facts: ReportSource) -> tuple[str, str]:
    """Return what the two models of a report are called: those before and after its tuning."""
    links = read_links(facts)
    return (links[-2].name, links[-1].name) if len(links) > 1 else ("Base model", "Tuned model")


def read_improved(facts: ReportSource) -> list[Link]:
    """Return the models from the base on, [] where none was improved: the score says it all then."""
    links = read_links(facts)
    return links if any(link.role == "improved" for link in links) else []


def introduce(facts: ReportSource, links: Sequence[Link]) -> str:
    """Return how the models follow from one another, or only what the report notes of two of them."""
    note = facts.pick_text("chain_note")
    return note if note and len(links) == 2 else f"{_INTRODUCTION} {note}".strip()


def tell_differences(facts: ReportSource, links: Sequence[Link]) -> list[str]:
    """Return what each tuning won, a sentence each."""
    said = [link.tell("difference", "sentence") for link in links[1:]]
    gain = facts.pick_text("gain", "sentence")
    if gain and len(links) > 2:
        said.append(f"From the first to the last: {gain[0].lower()}{gain[1:]}")
    return said + [f"{link.name}: {sentence}" for link in links if (sentence := link.tell("by_hand", "sentence"))]


def draw_links(links: Sequence[Link]) -> Markup:
    """Return the F1 of each model with its interval."""
    scores = [write_score(link.f1) for link in links]
    said = [
        f"{link.name} {f1}" + (f", interval {write_interval(link.interval)}" if link.interval else "")
        for link, f1 in zip(links, scores, strict=True)
    ]
    rows = [
        Row(
            link.name.removesuffix(" model"),
            _COLOURS.get(link.role, AFTER),
            link.f1,
            link.interval,
            write_score(link.f1),
        )
        for link, f1 in zip(links, scores, strict=True)
    ]
    return draw_rows("F1 by building: " + "; ".join(said), rows, most=1.0)
