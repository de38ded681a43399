"""The plugin as QGIS loads, starts, reloads and unloads it, under a folder name that is not its own."""

from __future__ import annotations

import importlib
import subprocess
import sys
import time

import pytest
import qgis.utils
from qgis.core import QgsApplication
from qgis.gui import QgsDockWidget

NAME = "tuner_under_another_name"


@pytest.fixture
def loaded(root, window, tmp_path, monkeypatch, wait_until):
    """The plugin, found and imported by QGIS."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / NAME).symlink_to(root, target_is_directory=True)
    monkeypatch.setattr(qgis.utils, "plugin_paths", [str(plugins)])
    monkeypatch.setattr(qgis.utils, "iface", window)
    monkeypatch.setattr(qgis.utils, "showException", show_exception)
    monkeypatch.syspath_prepend(str(plugins))
    qgis.utils.updateAvailablePlugins()
    assert qgis.utils.available_plugins == [NAME]
    assert qgis.utils.loadPlugin(NAME)
    yield NAME
    qgis.utils.unloadPlugin(NAME)
    for name in [name for name in sys.modules if name.split(".")[0] == NAME]:
        del sys.modules[name]


def show_exception(kind, error, trace, message, **_options):
    raise AssertionError(message) from error


ALGORITHMS = {
    f"footprint_tuner:{name}"
    for name in (
        "finetune",
        "check",
        "split",
        "improve",
        "predict",
        "score",
        "export",
        "spacenet",
        "report",
        "compare",
        "retrace",
        "send",
    )
}


def list_algorithms():
    provider = QgsApplication.processingRegistry().providerById("footprint_tuner")
    return {algorithm.id() for algorithm in provider.algorithms()} if provider else None


def open_dock(window):
    window.icons[0].trigger()
    (dock,) = window.docks
    return dock


def test_a_start_adds_an_action_with_an_icon_and_the_algorithms_but_no_dock_yet(loaded, window):
    assert qgis.utils.startPlugin(loaded)
    assert window.icons == window.menu
    assert window.icons[0].text() == "Footprint Tuner"
    assert not window.icons[0].icon().isNull()
    assert window.docks == []
    assert list_algorithms() == ALGORITHMS
    assert not QgsApplication.processingRegistry().providerById("footprint_tuner").icon().isNull()


def test_the_action_opens_the_dock_once_and_then_hides_and_shows_it(loaded, window, environment, wait_until):
    qgis.utils.startPlugin(loaded)
    window.mainWindow().show()
    dock, action = open_dock(window), window.icons[0]
    assert dock.objectName() == "FootprintTunerDock"
    wait_until(lambda: dock.isVisible() and action.isChecked())
    action.trigger()
    wait_until(lambda: not dock.isVisible() and not action.isChecked())
    action.trigger()
    wait_until(lambda: dock.isVisible() and action.isChecked())
    dock.close()
    wait_until(lambda: not action.isChecked())
    assert window.docks == [dock]


def test_qgis_process_gets_the_algorithms_without_a_window(loaded, window, monkeypatch):
    monkeypatch.setattr(qgis.utils, "iface", None)
    assert qgis.utils.startProcessingPlugin(loaded)
    assert list_algorithms() == ALGORITHMS
    assert qgis.utils.unloadPlugin(loaded)
    assert list_algorithms() is None


def test_an_unload_leaves_no_trace(loaded, window, environment, wait_until):
    qgis.utils.startPlugin(loaded)
    open_dock(window)
    action = window.icons[0]
    gone = []
    action.destroyed.connect(lambda: gone.append("action"))
    window.docks[0].destroyed.connect(lambda: gone.append("dock"))
    assert qgis.utils.unloadPlugin(loaded)
    assert (window.icons, window.menu, window.docks) == ([], [], [])
    assert list_algorithms() is None
    wait_until(lambda: sorted(gone) == ["action", "dock"])
    assert window.mainWindow().findChildren(QgsDockWidget) == []


def test_a_reload_works_and_doubles_nothing(loaded, window, environment):
    qgis.utils.startPlugin(loaded)
    open_dock(window)
    for _ in range(3):
        assert qgis.utils.reloadPlugin(loaded)
        assert (len(window.icons), len(window.menu), len(window.docks)) == (1, 1, 0)
        assert list_algorithms() == ALGORITHMS
        open_dock(window)


def test_a_reload_reads_the_plugins_modules_anew(loaded, window, environment):
    qgis.utils.startPlugin(loaded)
    open_dock(window)
    names = [name for name in sys.modules if name.startswith(f"{NAME}.")]
    before = {name: sys.modules[name] for name in names if sys.modules[name].__file__.endswith(".py")}
    qgis.utils.reloadPlugin(loaded)
    open_dock(window)
    kept = [name for name, module in before.items() if sys.modules[name] is module]
    assert [name for name in kept if not sys.modules[name].__file__.endswith("__init__.py")] == []


def test_an_unload_in_mid_run_ends_the_worker_and_waits_for_it(
    loaded, window, environment, make_raster, make_labels, wait_until, monkeypatch, count_workers
):
    monkeypatch.setenv("STAND_IN", "silent in tune")
    qgis.utils.startPlugin(loaded)
    dock = open_dock(window)
    choices = sys.modules[f"{NAME}.ui.fields.choices"].Choices(make_raster(), make_labels())
    dock.train_requested.emit(choices)
    wait_until(lambda: count_workers() == 1)
    assert qgis.utils.unloadPlugin(loaded)
    assert count_workers() == 0
    wait_until(lambda: QgsApplication.taskManager().countActiveTasks() == 0)


def test_an_unload_in_mid_set_up_ends_it_and_waits_for_it(loaded, window, no_environment, wait_until, monkeypatch):
    qgis.utils.startPlugin(loaded)
    dock = open_dock(window)
    under_way, over = [], []

    def set_up(_environment, _on_step, is_cancelled):
        under_way.append(True)
        wait_in_thread(is_cancelled)
        over.append(True)

    monkeypatch.setattr(sys.modules[f"{NAME}.plugin.bridge.setup"], "set_up", set_up)
    dock.setup_requested.emit()
    wait_until(lambda: under_way)
    assert qgis.utils.unloadPlugin(loaded)
    assert over


def wait_in_thread(is_so):
    while not is_so():
        time.sleep(0.01)


GERMAN = """<?xml version="1.0" encoding="utf-8"?><!DOCTYPE TS><TS version="2.1" language="de"><context>
<name>Algorithms</name><message><source>Score footprints</source><translation>Umrisse bewerten</translation></message>
</context></TS>"""


def test_the_plugin_speaks_qgiss_language_and_unlearns_it(loaded, window, tmp_path, monkeypatch):
    (tmp_path / "i18n").mkdir()
    (tmp_path / "i18n" / "footprint_tuner_de.ts").write_text(GERMAN, "utf-8")
    try:
        subprocess.run(["lrelease", "-silent", tmp_path / "i18n" / "footprint_tuner_de.ts"], check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("Qt's lrelease is not installed")
    monkeypatch.setattr(importlib.import_module(f"{loaded}.plugin.bridge.plugin"), "RESOURCES", tmp_path)
    monkeypatch.setattr(QgsApplication, "locale", lambda: "de_AT")
    qgis.utils.startPlugin(loaded)
    score = QgsApplication.processingRegistry().createAlgorithmById("footprint_tuner:score")
    assert score.displayName() == "Umrisse bewerten"
    qgis.utils.unloadPlugin(loaded)
    assert score.displayName() == "Score footprints"
