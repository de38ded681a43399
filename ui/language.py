"""The plugin's texts in QGIS's language, where there is a translation of them."""

from __future__ import annotations

from pathlib import Path

from qgis.PyQt.QtCore import QLocale, QTranslator

from ..plugin.core.paths import RESOURCES

I18N = RESOURCES / "i18n"


def load_translation(locale: str, folder: Path = I18N) -> QTranslator | None:
    """Return the translation for a locale such as ``de`` or ``pt_BR``, None where ``folder`` holds none.

    Whoever installs it with ``QCoreApplication.installTranslator`` keeps it and removes it again.
    """
    translator = QTranslator()
    is_loaded = translator.load(QLocale(locale), "footprint_tuner", "_", str(folder))
    return translator if is_loaded else None
