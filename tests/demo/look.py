"""What ``make qgis`` does in QGIS: the demo's project, or the sample's where there is none yet, and the dock."""

import os
import sys
from pathlib import Path

from qgis.core import QgsProject
from qgis.PyQt.QtCore import QTimer

ROOT = Path(os.environ["QGIS_PLUGINPATH"]).parents[1]
sys.path.insert(0, str(ROOT))

from tests.demo.project import choose, open_dock, open_sample  # noqa: E402 - the root must be on the path first


def look():
    """Open what is missing."""
    if not QgsProject.instance().mapLayers():
        open_sample(ROOT / "build" / "demo" / "sample", ROOT / "build" / "demo" / "banepa.qgz")
    choose(open_dock())


QTimer.singleShot(1500, look)
