"""QGIS's proxy, set and taken back."""

from __future__ import annotations

import pytest
from qgis.core import QgsNetworkAccessManager, QgsSettings


@pytest.fixture
def set_proxy(project):
    """Return a function that sets QGIS's proxy as its options do; values by the names that QGIS gives them."""

    def tell(**settings):
        for name, value in settings.items():
            QgsSettings().setValue(f"proxy/{name}", value)
        QgsNetworkAccessManager.instance().setupDefaultProxyAndCache()

    yield tell
    QgsSettings().clear()
    tell()
