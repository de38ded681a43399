"""The section of a page that shows the models from the base to the improved one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .markup import Markup, tag
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


def show_chain(facts: ReportSource) -> list[Markup]:
    """Return the models one beneath the other, [] where no model was improved: the score says it all then."""
    links, note = read_links(facts), facts.pick_text("chain_note")
    if all(link.role != "improved" for link in links):
        return []
    said = [link.tell("difference", "sentence") for link in links[1:]]
    gain = facts.pick_text("gain", "sentence")
    if gain and len(links) > 2:
        said.append(f"From the first to the last: {gain[0].lower()}{gain[1:]}")
    said += [f"{link.name}: {sentence}" for link in links if (sentence := link.tell("by_hand", "sentence"))]
    shown = tag("figure", _draw(links), tag("figcaption", _caption(links)))
    return [
        tag("p", note if note and len(links) == 2 else f"{_INTRODUCTION} {note}".strip()),
        tag("div", shown, tag("ul", *(tag("li", sentence) for sentence in said)), class_="pair"),
        tag("div", _lay_table(links), class_="scroll"),
    ]


def _draw(links: Sequence[Link]) -> Markup:
    rows = [
        Row(
            link.name.removesuffix(" model"),
            _COLOURS.get(link.role, AFTER),
            link.f1,
            link.interval,
            write_score(link.f1),
        )
        for link in links
    ]
    return draw_rows("F1 by building: " + "; ".join(map(_say, links)), rows, most=1.0)


def _say(link: Link) -> str:
    interval = f", interval {write_interval(link.interval)}" if link.interval else ""
    return f"{link.name} {write_score(link.f1)}{interval}"


def _caption(links: Sequence[Link]) -> str:
    bars = "; the bars are 95 % intervals over its blocks" if any(link.interval for link in links) else ""
    return f"F1 by building on the same held-out ground{bars}."


def _lay_table(links: Sequence[Link]) -> Markup:
    head = ("Model", "F1 by building", "95 % interval", "change", "precision", "recall", "F1 by pixel")
    top = tag("tr", *(tag("th", text, scope="col", class_=None if i == 0 else "number") for i, text in enumerate(head)))
    body = [tag("tr", _lay_name(link), *(tag("td", text, class_="number") for text in _write(link))) for link in links]
    return tag("table", tag("thead", top), tag("tbody", *body))


def _lay_name(link: Link) -> Markup:
    more = " \u00b7 ".join(filter(None, (link.tell("title"), link.tell("run"))))
    return tag("th", link.name, tag("div", more, class_="muted") if more else None, scope="row")


def _write(link: Link) -> tuple[str, ...]:
    places = (("building", "precision"), ("building", "recall"), ("pixel", "f1"))
    scores = (write_score(link.measure(*place)) for place in places)
    change = write_change(link.measure("difference", "f1"))
    return write_score(link.f1), write_interval(link.interval) or UNKNOWN, change, *scores
