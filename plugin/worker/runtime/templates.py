"""Documents written from the templates in ``resources/report``."""

from __future__ import annotations

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from ...core.paths import RESOURCES


def _shorten_number(value: object) -> object:
    """Return a float with two digits after the point at most: a hundredth of a pixel is enough."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(RESOURCES / "report"),
    autoescape=select_autoescape(["html.jinja", "svg.jinja"]),
    undefined=StrictUndefined,
    finalize=_shorten_number,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render(template: str, **values: object) -> Markup:
    """Return a filled template as text that is not escaped again; HTML and SVG escape every value but ``Markup``."""
    return Markup(_ENVIRONMENT.get_template(template).render(values))  # noqa: S704 (the template escapes)  # nosec B704
