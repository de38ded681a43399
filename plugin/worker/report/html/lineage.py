"""The section of a page that shows the models from the base to the improved one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ....core.report import Link
from ....core.score import Difference, Interval
from .source import ReportSource
from .svg import AFTER, BEFORE, Row, draw_rows
from .text import UNKNOWN, write_change, write_interval, write_score

_NAMES = {"base": "Base model", "tuned": "Tuned model", "improved": "Improved model"}
_COLOURS = {"base": BEFORE, "tuned": "#56b4e9", "improved": AFTER}
_INTRODUCTION = (
    "Each model was tuned from the one before it. All of them were scored on the same held-out ground, block by block, "
    "and none of them ever learnt from it: corrected and checked ground lies elsewhere."
)


@dataclass(frozen=True)
class NamedLink:
    """A model of the chain, with what it is called and its F1 by building."""

    name: str
    f1: float
    link: Link

    @property
    def interval(self) -> Interval | None:
        """The 95 % interval of its F1, None where there is none."""
        return self.link.building.interval

    @property
    def more(self) -> str:
        """Its title and its run."""
        return " \u00b7 ".join(filter(None, (self.link.title, self.link.run)))

    @property
    def figures(self) -> tuple[str, ...]:
        """F1, interval, change, precision, recall and F1 by pixel, as they are written."""
        building, difference = self.link.building, self.link.difference or Difference()
        scores = map(write_score, (building.precision, building.recall, self.link.pixel.f1))
        return write_score(self.f1), write_interval(self.interval) or UNKNOWN, write_change(difference.f1), *scores


def read_links(facts: ReportSource) -> list[NamedLink]:
    """Return the models of a report's chain whose F1 is known; [] where it holds none."""
    links: list[NamedLink] = []
    for link in facts.report.chain:
        if link.building.f1 is not None:
            count = sum(each.link.role == link.role for each in links)
            name = _NAMES.get(link.role, link.role) + (f" {count + 1}" if count else "")
            links.append(NamedLink(name, link.building.f1, link))
    return links


def name_models(facts: ReportSource) -> tuple[str, str]:
    """Return what the two models of a report are called: those before and after its tuning."""
    links = read_links(facts)
    return (links[-2].name, links[-1].name) if len(links) > 1 else ("Base model", "Tuned model")


def read_improved(facts: ReportSource) -> list[NamedLink]:
    """Return the models from the base on, [] where none was improved: the score says it all then."""
    links = read_links(facts)
    return links if any(each.link.role == "improved" for each in links) else []


def introduce(facts: ReportSource, links: Sequence[NamedLink]) -> str:
    """Return how the models follow from one another, or only what the report notes of two of them."""
    note = facts.report.chain_note
    return note if note and len(links) == 2 else f"{_INTRODUCTION} {note}".strip()


def tell_differences(facts: ReportSource, links: Sequence[NamedLink]) -> list[str]:
    """Return what each tuning won, a sentence each."""
    said = [each.link.difference.sentence for each in links[1:] if each.link.difference]
    gain = facts.report.gain.sentence
    if gain and len(links) > 2:
        said.append(f"From the first to the last: {gain[0].lower()}{gain[1:]}")
    return said + [f"{each.name}: {each.link.by_hand.sentence}" for each in links if each.link.by_hand]


def draw_links(links: Sequence[NamedLink]) -> Markup:
    """Return the F1 of each model with its interval."""
    scores = [write_score(link.f1) for link in links]
    said = [
        f"{link.name} {f1}" + (f", interval {write_interval(link.interval)}" if link.interval else "")
        for link, f1 in zip(links, scores, strict=True)
    ]
    rows = [
        Row(
            link.name.removesuffix(" model"),
            _COLOURS.get(link.link.role, AFTER),
            link.f1,
            link.interval,
            write_score(link.f1),
        )
        for link, f1 in zip(links, scores, strict=True)
    ]
    return draw_rows("F1 by building: " + "; ".join(said), rows, most=1.0)
