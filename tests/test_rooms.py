"""The law of the rooms: who may import whom, and what stays out of QGIS's Python."""

import ast
import importlib.util
import sys
import sysconfig
from pathlib import Path

import pytest

#: Room: the rooms that it may import besides itself.
EDGES = {
    "plugin.core": set(),
    "plugin.worker": {"plugin.core"},
    "ui": {"plugin.core"},
    "plugin.bridge": {"plugin.core", "ui"},
    "": {"plugin.bridge"},
}
ONLY_IN_WORKER = {"numpy", "pyogrio", "rasterio", "requests", "safetensors", "segmentation_models_pytorch"}
ONLY_IN_WORKER |= {"shapely", "timm", "torch", "torchvision"}
ONLY_BESIDE_QGIS = {"qgis", "PyQt5", "PyQt6", "osgeo", "processing"}
QGIS_ROOMS = {"plugin.bridge", "ui", ""}


def find_room(module):
    """Return the room that a module belongs to, '' for the root."""
    return next((room for room in EDGES if room and f"{module}.".startswith(f"{room}.")), "")


def list_imports(source, module, *, is_package=False):
    """Yield (line, dots, name) of every import; a relative one by its full name from the root."""
    here = module.split(".") if module else []
    package = here if is_package else here[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, 0, alias.name
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.lineno, 0, node.module
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            for alias in node.names:
                yield node.lineno, node.level, ".".join([*base, *filter(None, [node.module]), alias.name])


def find_violations(source, module, *, is_package=False):
    """Return what in a module's source is against the law, a sentence each."""
    room = find_room(module)
    said = []
    for line, dots, name in list_imports(source, module, is_package=is_package):
        top = name.split(".")[0]
        if dots:
            target = find_room(name)
            if target != room and target not in EDGES[room]:
                said.append(f"{module}:{line} imports {name}: {room or 'root'} must not know {target or 'the root'}")
        elif top in ("plugin", "ui", "footprint_tuner", "tests"):
            said.append(f"{module}:{line} imports {name} by its name: only relative imports inside")
        elif top in ONLY_IN_WORKER and room != "plugin.worker":
            said.append(f"{module}:{line} imports {name}: QGIS's Python must never load it")
        elif top in ONLY_BESIDE_QGIS and room not in QGIS_ROOMS:
            said.append(f"{module}:{line} imports {name}: the worker's Python has no QGIS")
        elif room == "plugin.core" and not is_stdlib(top):
            said.append(f"{module}:{line} imports {name}: the core knows the standard library only")
    return said


def is_stdlib(name):
    names = getattr(sys, "stdlib_module_names", None)  # since Python 3.10
    return lies_in_stdlib(name) if names is None else name in names


def lies_in_stdlib(name):
    """Tell the same by where the module lies; another system's modules lie nowhere here."""
    if name in ("msvcrt", "winreg", "fcntl"):
        return True
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin in (None, "built-in", "frozen"):
        return name in sys.builtin_module_names or getattr(spec, "origin", None) == "frozen"
    folder = Path(sysconfig.get_paths()["stdlib"]).resolve()
    parts = Path(spec.origin).resolve()
    return folder in parts.parents and not {"site-packages", "dist-packages"} & set(parts.parts)


def list_modules(root):
    """Yield (path, dotted name, is package) of the plugin's own modules."""
    paths = [root / "__init__.py", *(root / "plugin").rglob("*.py"), *(root / "ui").rglob("*.py")]
    for path in paths:
        parts = list(path.relative_to(root).with_suffix("").parts)
        is_package = parts[-1] == "__init__"
        yield path, ".".join(parts[:-1] if is_package else parts), is_package


def test_every_import_keeps_to_the_rooms(root):
    said = []
    for path, module, is_package in list_modules(root):
        said += find_violations(path.read_text(encoding="utf-8"), module, is_package=is_package)
    assert said == []


def test_the_law_sees_every_room(root):
    rooms = {find_room(module) for _, module, is_package in list_modules(root) if not is_package or not module}
    assert rooms == set(EDGES)


def test_every_inner_init_is_empty(root):
    inner = [path for path, module, is_package in list_modules(root) if is_package and module]
    assert {path.parent.name for path in inner} >= {"plugin", "core", "worker", "bridge", "ui"}
    assert [path for path in inner if path.stat().st_size] == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("plugin.core.job", "import numpy"),
        ("plugin.core.job", "import yaml"),
        ("plugin.core.job", "def f():\n    from qgis.core import QgsProject"),
        ("plugin.core.job", "from ..worker import run"),
        ("plugin.core.job", "from ...ui.dock import Dock"),
        ("plugin.core.job", "from plugin.core import errors"),
        ("plugin.worker.pipeline.run", "from ..bridge import thread"),
        ("plugin.worker.pipeline.run", "import qgis.core"),
        ("plugin.worker.pipeline.run", "from osgeo import gdal"),
        ("plugin.bridge.tuning.run_thread", "from ..worker.run import main"),
        ("plugin.bridge.tuning.run_thread", "import torch"),
        ("plugin.bridge.tuning.run_thread", "import rasterio.windows as w"),
        ("ui.dock", "from ..plugin.bridge import layers"),
        ("ui.dock", "from .. import plugin"),
        ("ui.dock", "import shapely"),
        ("plugin.bridge.tuning.run_thread", "from ... import classFactory"),
    ],
)
def test_a_planted_violation_is_caught(module, source):
    assert len(find_violations(source, module)) == 1


def test_the_root_may_import_the_bridge_only():
    assert find_violations("from .plugin.bridge.plugin import Plugin", "", is_package=True) == []
    assert len(find_violations("from .ui.dock import Dock", "", is_package=True)) == 1
    assert len(find_violations("from .plugin.worker import run", "", is_package=True)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("plugin.core.job", "from . import errors\nimport json\nfrom pathlib import Path"),
        ("plugin.worker.pipeline.run", "from ..core.errors import RunError\nfrom . import tiles\nimport torch"),
        (
            "plugin.bridge.tuning.run_thread",
            "from ..core import follow\nfrom ...ui.dock import Dock\nfrom qgis.core import Qgis",
        ),
        ("ui.dock", "from ..plugin.core.events import Progress\nfrom qgis.PyQt import uic\nfrom .chart import Chart"),
    ],
)
def test_what_the_design_allows_passes(module, source):
    assert find_violations(source, module) == []


@pytest.mark.parametrize(("name", "expected"), [("sys", True), ("json", True), ("urllib", True), ("pytest", False)])
def test_the_standard_library_is_also_known_where_python_does_not_list_it(name, expected):
    assert lies_in_stdlib(name) is expected
    assert is_stdlib(name) is expected
