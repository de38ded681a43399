"""SpaceNet's folders as they were released: which tiles they offer, and which labels belong to which tile.

Every release names its folders in its own way (SpaceNet 1 to 7), but all of them pair tile and labels by the image id
inside the files' names: ``RGB-PanSharpen_AOI_2_Vegas_img1.tif`` and ``buildings_AOI_2_Vegas_img1.geojson``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from ...core.errors import InputError

ImageId: TypeAlias = tuple[str, ...]

#: Kinds of products, the one that suits best first: sharpened colours, sharpened bands, coarse bands, grey, radar.
_KINDS = (
    r"ps-rgb|rgb-pansharpen|3band|rgb",
    r"ps-rgbnir|pan-sharpen",
    r"mul-pansharpen|ps-ms|ps-mul",
    r".*(?<!masked)",  # names that are nobody's
    r"images_masked",
    r"rgbnir|8band|mul|ms",
    r"pan",
    r"sar.*|.*udm.*|.*mask.*",
)
_PLAIN = 3
_MEANINGLESS = re.compile(
    r"3band|8band|mul|mul-pansharpen|pan|rgb-pansharpen|pan-sharpen|ps-rgb|ps-rgbnir|ps-ms|ps-mul|ms|rgb|rgbnir"
    r"|sar-intensity|spacenet-buildings|buildings?|geojson|geo|labels?|train|public|sn\d"
)
_VIEW = re.compile(r"_?nadir\d+_catid_[0-9a-f]+", re.IGNORECASE)
_NO_BUILDINGS = re.compile(r"road|udm|summary", re.IGNORECASE)
_NADIR = re.compile(r"nadir(\d+)", re.IGNORECASE)
_MOST_FIELD_BYTES = 10_000_000


@dataclass(frozen=True)
class Product:
    """A folder of tiles that show the same kind of imagery; ``name`` is its path inside the released folder."""

    name: str
    tiles: tuple[Path, ...]

    @property
    def kind(self) -> int:
        """How well it suits, 0 best: see ``_KINDS``."""
        last = self.name.rpartition("/")[2].lower()
        fits = [place for place, kind in enumerate(_KINDS) if place != _PLAIN and re.fullmatch(kind, last)]
        return fits[0] if fits else _PLAIN


@dataclass(frozen=True)
class Release:
    """What a folder holds: products, a GeoJSON file for an image id, rows of polygons in pixels for an image id."""

    folder: Path
    products: tuple[Product, ...]
    labels: dict[ImageId, Path]
    summaries: tuple[Path, ...] = ()

    def find_labels(self, tile: Path) -> Path | None:
        """Return the GeoJSON file of a tile, None where it has none."""
        key = match_id(read_image_id(tile.stem), self.labels)
        return None if key is None else self.labels[key]


@dataclass
class Summary:
    """A summary file's polygons: WKT in pixels of a tile, by image id; an id without a building has an empty list."""

    path: Path
    polygons: dict[ImageId, list[str]] = field(default_factory=dict)


def read_image_id(stem: str) -> ImageId:
    """Return what in a file's name says which piece of ground it shows.

    Left out are the names of products, of labels, and of the view: many views of one ground share their labels.
    """
    words = _VIEW.sub("", stem.lower()).split("_")
    return tuple(word for word in words if word and not _MEANINGLESS.fullmatch(word))


def match_id(image: ImageId, known: Iterable[ImageId]) -> ImageId | None:
    """Return the known id of an image: the same, else the longest that is its end and holds a number."""
    ids = set(known)
    ends = (image[start:] for start in range(len(image)))
    return next((end for end in ends if end in ids and any(any(map(str.isdigit, word)) for word in end)), None)


def open_release(folder: Path) -> Release:
    """Look through a folder; raises InputError where it holds no tiles."""
    tiles: dict[Path, list[Path]] = {}
    labels: dict[ImageId, Path] = {}
    summaries = []
    for path in sorted(folder.rglob("*"), key=_order):
        if path.suffix.lower() in (".tif", ".tiff"):
            tiles.setdefault(path.parent, []).append(path)
        elif path.suffix.lower() == ".geojson" and not _NO_BUILDINGS.search("/".join(path.relative_to(folder).parts)):
            labels.setdefault(read_image_id(path.stem), path)
        elif path.suffix.lower() == ".csv":
            summaries.append(path)
    if not tiles:
        raise InputError(
            f"The folder {folder} holds no tiles (.tif).",
            "Choose a folder as SpaceNet releases it, unpacked: with a folder of tiles and one of GeoJSON files.",
        )
    products = (Product(parent.relative_to(folder).as_posix(), tuple(paths)) for parent, paths in tiles.items())
    return Release(folder, tuple(products), labels, tuple(summaries))


def choose_product(release: Release, request: str = "") -> Product:
    """Return the product of that name (its path, or the last part of it), else the one that suits best.

    That is one with labels, of colours or bands at the full resolution, seen from nearest above. Raises InputError,
    with what is offered, where there is none of that name.
    """
    offered = sorted(release.products, key=lambda product: _suit(release, product))
    if not request:
        return offered[0]
    wanted = request.strip("/").lower()
    for product in offered:
        if wanted in (product.name.lower(), product.name.rpartition("/")[2].lower()):
            return product
    names = ", ".join(product.name for product in offered)
    raise InputError(f'There is no product "{request}" in {release.folder}.', f"It offers: {names}.")


def read_summary(release: Release, product: Product) -> Summary | None:
    """Return the summary file of a product, None where there is none; raises InputError where it cannot be read."""
    for path in release.summaries:
        if not _is_of_product(path, product):
            continue
        summary = Summary(path)
        csv.field_size_limit(_MOST_FIELD_BYTES)
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                for row in csv.DictReader(file):
                    polygons = summary.polygons.setdefault(read_image_id(row["ImageId"]), [])
                    if row["BuildingId"].strip() != "-1":
                        polygons.append(row["PolygonWKT_Pix"])
        except (KeyError, AttributeError):
            continue  # another table, say the solution's, or one of roads
        except (OSError, ValueError, csv.Error) as error:
            raise InputError(f"The summary {path} cannot be read: {error}", "Unpack it again, or delete it.") from error
        return summary
    return None


def _is_of_product(path: Path, product: Product) -> bool:
    """Tell whether a summary counts in the product's pixels, by the words in its name."""
    marks = re.findall(r"3band|8band|nadir\d+|catid_[0-9a-f]+", path.stem.lower())
    return all(mark in product.name.lower() for mark in marks)


def _suit(release: Release, product: Product) -> tuple[bool, int, int, str]:
    is_labelled = any(release.find_labels(tile) for tile in product.tiles)
    nadir = _NADIR.search(product.name)
    has_any = is_labelled or (not release.labels and bool(release.summaries))
    return not has_any, product.kind, int(nadir.group(1)) if nadir else 0, product.name


def _order(path: Path) -> tuple[bool, bool, str]:
    """Put folders named for buildings first, those in pixels last."""
    text = path.parent.as_posix().lower()
    return "pix" in path.parent.name.lower(), "building" not in text, path.as_posix()
