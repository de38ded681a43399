"""Assignment of a raster's bands to a model's bands: by colour, otherwise in their order."""

from __future__ import annotations

from typing import Sequence

NEAR_INFRARED = "nir"
ALPHA = "alpha"
#: Coastal, blue, green, yellow, red, red edge, near-infrared 1 and 2: the eight bands as WorldView's files hold them.
_WORLDVIEW = {"blue": 2, "green": 3, "red": 5, NEAR_INFRARED: 7}
_WORLDVIEW_COUNT = 8
_RGB = ("red", "green", "blue")
_NAMES = {name: name for name in (*_RGB, NEAR_INFRARED, ALPHA)}
_NAMES.update(dict.fromkeys(("near infrared", "near ir", "infrared", "nir1", "nir 1"), NEAR_INFRARED))
_NAMES.update({"r": "red", "g": "green", "b": "blue"})


def read_colour(text: str) -> str:
    """Return ``red``, ``green``, ``blue``, ``nir`` or ``alpha`` for what a file or a card calls a band, else ""."""
    return _NAMES.get(" ".join(text.lower().replace("-", " ").replace("_", " ").split()), "")


def propose_bands(colours: Sequence[str], wanted: Sequence[str]) -> tuple[int, ...]:
    """Return the raster's band for each of the model's, counted from 1; 0 where it has none like it.

    ``colours`` are those of the raster's bands in their order (as ``read_colour`` takes them; anything else says that
    the file does not tell), ``wanted`` the names of the model's bands. Named bands meet by name, "band 4" is the
    fourth. Three bands without colours are red, green and blue; the fourth of four is near-infrared; eight are those
    of WorldView-2 and 3. Other bands come in order, the first serves for a colour that the raster lacks (a grey one has
    no other), and nothing serves for near-infrared.
    """
    names = [read_colour(colour) for colour in colours]
    data = [number for number, name in enumerate(names, 1) if name != ALPHA]
    if not data:
        return (0,) * len(wanted)
    known = _find_colours(names, data)
    asked = [read_colour(name) for name in wanted]
    taken = {known.get(name) for name in asked} | {_read_number(text) for text in wanted}
    spare = iter([number for number in data if number not in taken])
    lone = data[0] if len(data) < len(_RGB) else 0
    bands = []
    for name, text in zip(asked, wanted):
        numbered = _read_number(text)
        if numbered in data:
            bands.append(numbered)
        elif name in known:
            bands.append(known[name])
        elif name == NEAR_INFRARED:
            bands.append(0)
        else:
            bands.append(lone or next(spare, data[0] if name else 0))
    return tuple(bands) if any(bands) else (data[0],) * len(asked)


def _read_number(text: str) -> int:
    """Return 4 for "band 4", 0 for any other name."""
    word, _, number = text.partition(" ")
    return int(number) if word == "band" and number.isdecimal() else 0


def _find_colours(names: Sequence[str], data: Sequence[int]) -> dict[str, int]:
    """Return the band of each colour that is known, or that so many bands without any leave no doubt of."""
    known: dict[str, int] = {}
    for number in data:
        if names[number - 1]:
            known.setdefault(names[number - 1], number)
    if not known and len(data) == len(_RGB):
        return dict(zip(_RGB, data))
    if not known and len(data) == len(names) == _WORLDVIEW_COUNT:
        return dict(_WORLDVIEW)
    if len(data) == len(_RGB) + 1 and NEAR_INFRARED not in known:
        others = [number for number in data if number not in known.values()]
        if len(others) == 1 and set(_RGB) <= set(known):
            known[NEAR_INFRARED] = others[0]
        elif not known:
            known[NEAR_INFRARED] = data[-1]
    return known
