"""Build the zip that users install: one folder, only what they need, the same bytes from the same files."""

from __future__ import annotations

import configparser
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = "footprint_tuner"
CONTENT = ["metadata.txt", "__init__.py", "LICENSE", "README.md", "CHANGELOG.md", "plugin", "ui", "resources"]
LIMIT_BYTES = 25_000_000
#: Zip's oldest time: a file's own time differs from checkout to checkout.
TIME = (1980, 1, 1, 0, 0, 0)


def list_content(root: Path) -> list[Path]:
    """Return the files that belong into the zip, sorted. Raises SystemExit where one of CONTENT is missing."""
    missing = [name for name in CONTENT if not (root / name).exists()]
    if missing:
        sys.exit(f"The package lacks {', '.join(missing)}: add them to the checkout.")
    found = [path for name in CONTENT for path in [root / name, *(root / name).rglob("*")] if path.is_file()]
    icon = read_metadata(root)["icon"]
    if not (root / icon).is_file():
        sys.exit(f"metadata.txt names the icon {icon}, which is not there.")
    return sorted(path for path in found if "__pycache__" not in path.parts and path.suffix not in (".pyc", ".part"))


def read_metadata(root: Path) -> configparser.SectionProxy:
    """Return the plugin's metadata."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(root / "metadata.txt", encoding="utf-8")
    return parser["general"]


def build(root: Path, target: Path) -> Path:
    """Write the zip of ``root`` to ``target`` by a rename and return it. Raises SystemExit where it grows too large."""
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_suffix(".part")
    with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in list_content(root):
            entry = zipfile.ZipInfo(f"{NAME}/{path.relative_to(root).as_posix()}", TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    size = half.stat().st_size
    if size > LIMIT_BYTES:
        sys.exit(f"{half} has {size:,} bytes, and the plugin repository takes {LIMIT_BYTES:,} at most.")
    half.replace(target)
    return target


if __name__ == "__main__":
    made = build(ROOT, ROOT / "build" / f"{NAME}.zip")
    print(f"{made.relative_to(ROOT)}: {made.stat().st_size:,} bytes, version {read_metadata(ROOT)['version']}")
