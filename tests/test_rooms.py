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
#: Inside a room a package imports from lines below its own only. A module of the room itself stands in brackets.
STAIRCASES = {
    "plugin.worker": """
        (__main__)
        cli
        pipeline   review    starter
        report     inference training export
        checks     evaluation spacenet models
        dataset    polygons  downloads
        geodata    runtime
    """,
    "plugin.bridge": """
        (plugin)
        (controller) (provider)
        algorithms
        prediction runs
        review     (setup)
        tuning
        layers     map_tools worker_client (exit_guard)
    """,
    "ui": """
        (dock)
        predict
        tuning     review
        charts     model     runs
        fields     (language)
    """,
}
#: What separates and scores buildings must be fit for a machine without torch.
WITHOUT_TORCH = ("geodata", "polygons", "evaluation", "dataset", "spacenet", "downloads")
TORCH = {"torch", "torchvision", "timm", "segmentation_models_pytorch"}
ONLY_IN_WORKER = {"numpy", "pyogrio", "rasterio", "requests", "safetensors", "segmentation_models_pytorch"}
ONLY_IN_WORKER |= {"jinja2", "markupsafe", "pynvml", "pyproj", "shapely", "timm", "torch", "torchvision", "truststore"}
ONLY_BESIDE_QGIS = {"qgis", "PyQt5", "PyQt6", "osgeo", "processing"}
QGIS_ROOMS = {"plugin.bridge", "ui", ""}
#: Signals of QGIS 3.40 with an enum class in them: PyQt5 cannot convert it, and ends QGIS when one is connected.
ENDS_QGIS = ("historyCleared", "messageEmitted", "navigationModeChanged", "panDistanceBearingChanged", "unitChanged")


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


def read_staircase(room):
    """Return the step of every package of a room, 0 at the bottom."""
    lines = [line.split() for line in STAIRCASES[room].splitlines() if line.strip()]
    return {package: step for step, packages in enumerate(reversed(lines)) for package in packages}


def name_package(module, room, steps):
    """Return the package of a room that a module belongs to, '' for another room's."""
    if not f"{module}.".startswith(f"{room}."):
        return ""
    name = module[len(room) + 1 :].split(".")[0]
    return name if name in steps else f"({name})"


def list_arrows(root, room):
    """Return {(from, to): [where]} of the imports between a room's packages."""
    steps, arrows = read_staircase(room), {}
    for path, module, is_package in list_modules(root):
        source = name_package(module, room, steps)
        if not source or is_package:
            continue
        for line, dots, name in list_imports(path.read_text(encoding="utf-8"), module):
            target = name_package(name, room, steps) if dots else ""
            if target and target != source:
                arrows.setdefault((source, target), []).append(f"{module}:{line}")
    return arrows


def find_climbs(arrows, steps):
    """Return the arrows that do not lead downwards, a sentence each."""
    return [
        f"{source} must not know {target}: {', '.join(places)}"
        for (source, target), places in sorted(arrows.items())
        if steps[source] <= steps[target]
    ]


@pytest.mark.parametrize("room", STAIRCASES)
def test_inside_a_room_every_import_leads_down_the_stairs(root, room, capsys):
    steps, arrows = read_staircase(room), list_arrows(root, room)
    with capsys.disabled():
        print(f"\n{room}")
        for package in sorted(steps, key=lambda name: -steps[name]):
            targets = sorted(target for source, target in arrows if source == package)
            print(f"  {steps[package]} {package:<14} -> {', '.join(targets)}")
    assert find_climbs(arrows, steps) == []


@pytest.mark.parametrize("room", STAIRCASES)
def test_the_staircase_has_a_place_for_every_package_and_for_no_other(root, room):
    steps = read_staircase(room)
    found = {name_package(module, room, steps) for _, module, _ in list_modules(root) if module != room}
    assert found - {""} == set(steps)


@pytest.mark.parametrize("room", STAIRCASES)
def test_the_tests_mirror_the_packages(root, room):
    here = root / "tests" / room.removeprefix("plugin.")
    folders = {path.parent.relative_to(here).parts[0] for path in here.rglob("test_*.py") if path.parent != here}
    assert folders <= set(read_staircase(room))


def test_a_climb_is_seen():
    steps = read_staircase("plugin.worker")
    assert find_climbs({("polygons", "models"): ["plugin.worker.polygons.simplify:9"]}, steps)
    assert find_climbs({("report", "export"): ["plugin.worker.report.build:9"]}, steps)
    assert find_climbs({("models", "runtime"): ["plugin.worker.models.build:9"]}, steps) == []


def test_what_separates_and_scores_buildings_knows_neither_torch_nor_models(root):
    said = []
    for path, module, is_package in list_modules(root):
        if name_package(module, "plugin.worker", WITHOUT_TORCH) not in WITHOUT_TORCH:
            continue
        for line, dots, name in list_imports(path.read_text(encoding="utf-8"), module, is_package=is_package):
            if (not dots and name.split(".")[0] in TORCH) or f"{name}.".startswith("plugin.worker.models."):
                said.append(f"{module}:{line} imports {name}")
    assert said == []


def test_every_import_keeps_to_the_rooms(root):
    said = []
    for path, module, is_package in list_modules(root):
        said += find_violations(path.read_text(encoding="utf-8"), module, is_package=is_package)
    assert said == []


def test_the_law_sees_every_room(root):
    rooms = {find_room(module) for _, module, is_package in list_modules(root) if not is_package or not module}
    assert rooms == set(EDGES)


@pytest.mark.parametrize("signal", ENDS_QGIS)
def test_no_signal_is_connected_that_pyqt5_cannot_convert(root, signal):
    sources = [path for room in ("plugin", "ui") for path in (root / room).rglob("*.py")]
    assert [str(path) for path in sources if f".{signal}." in path.read_text(encoding="utf-8")] == []


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
        ("plugin.worker.pipeline.run", "from ...bridge import controller"),
        ("plugin.worker.pipeline.run", "import qgis.core"),
        ("plugin.worker.pipeline.run", "from osgeo import gdal"),
        ("plugin.bridge.tuning.run_thread", "from ...worker.pipeline.run import main"),
        ("plugin.bridge.tuning.run_thread", "import torch"),
        ("plugin.bridge.tuning.run_thread", "import rasterio.windows as w"),
        ("ui.dock", "from ..plugin.bridge import layers"),
        ("ui.dock", "from .. import plugin"),
        ("ui.dock", "import shapely"),
        ("plugin.bridge.tuning.run_thread", "from .... import classFactory"),
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
        (
            "plugin.worker.pipeline.run",
            "from ...core.errors import RunError\nfrom ..training import sampler\nimport torch",
        ),
        (
            "plugin.bridge.tuning.run_thread",
            "from ...core import worker_process\nfrom ....ui.dock import Dock\nfrom qgis.core import Qgis",
        ),
        (
            "ui.dock",
            "from ..plugin.core.events import Notice\nfrom qgis.PyQt import uic\nfrom .charts.plot import Line",
        ),
    ],
)
def test_what_the_design_allows_passes(module, source):
    assert find_violations(source, module) == []


@pytest.mark.parametrize(("name", "expected"), [("sys", True), ("json", True), ("urllib", True), ("pytest", False)])
def test_the_standard_library_is_also_known_where_python_does_not_list_it(name, expected):
    assert lies_in_stdlib(name) is expected
    assert is_stdlib(name) is expected
