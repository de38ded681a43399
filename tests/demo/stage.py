"""QGIS's window as a stage: waiting, looking, leaving. For scripts that ``qgis --code`` runs."""

from qgis.core import QgsApplication, QgsProject
from qgis.PyQt.QtCore import QEventLoop, QTimer
from qgis.utils import iface


def wait(ms):
    """Let QGIS go on for a while."""
    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec() if hasattr(loop, "exec") else loop.exec_()


def wait_for_map():
    """Wait until the map is drawn."""
    wait(500)
    iface.mapCanvas().waitWhileRendering()
    wait(500)
    iface.mapCanvas().waitWhileRendering()
    wait(200)


def photograph(path):
    """Save the screen as a person sees it."""
    iface.mainWindow().screen().grabWindow(0).save(str(path))


def fill_screen():
    """Give the window the whole screen: there is no window manager that could."""
    window = iface.mainWindow()
    window.showNormal()
    window.setGeometry(window.screen().geometry())


def leave():
    """Close QGIS without a question."""
    QgsProject.instance().setDirty(False)
    QTimer.singleShot(0, QgsApplication.instance().closeAllWindows)
    QTimer.singleShot(2000, QgsApplication.instance().quit)
