"""The seam for translations."""

import re
import shutil
import subprocess

import pytest
from qgis.PyQt.QtCore import QCoreApplication

from footprint_tuner.ui.language import load_translation

SOURCE = """<?xml version="1.0"?><!DOCTYPE TS><TS version="2.1" language="de"><context><name>FormPage</name><message>
<source>No raster is chosen.</source><translation>Es ist kein Raster gewählt.</translation></message></context></TS>"""


def test_a_language_without_a_translation_leaves_the_texts_as_they_are(tmp_path):
    assert load_translation("xx", tmp_path) is None


@pytest.mark.skipif(not shutil.which("lrelease"), reason="Qt's lrelease is not installed")
def test_a_translation_is_found_by_qgiss_locale_and_reaches_the_form(dock, find, click, tmp_path):
    source = tmp_path / "footprint_tuner_de.ts"
    source.write_text(SOURCE, encoding="utf-8")
    subprocess.run(["lrelease", "-silent", str(source)], check=True)
    translation = load_translation("de_AT", tmp_path)
    QCoreApplication.installTranslator(translation)
    try:
        click("trainButton")
        assert find("messageLabel").text() == "Es ist kein Raster gewählt."
    finally:
        QCoreApplication.removeTranslator(translation)


def test_every_sentence_of_the_forms_goes_through_tr(root):
    """A text that is set straight from a literal would stay English for ever."""
    setters = re.compile(
        r'\.(setText|setToolTip|setTitle|setAccessibleName|setWindowTitle|addItem)\(f?"[^"{]*[A-Za-z]{3}'
    )
    found = [path.name for path in (root / "ui").glob("*.py") if setters.search(path.read_text(encoding="utf-8"))]
    assert found == []
