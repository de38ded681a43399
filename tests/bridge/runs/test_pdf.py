"""A run's page on paper: whole, legible, and nothing of it lost."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from osgeo import gdal
from qgis.core import QgsProcessingContext, QgsProcessingException, QgsProcessingFeedback
from qgis.PyQt.QtGui import QColor, QGuiApplication, QPalette, QTextDocument
from qgis.PyQt.QtWidgets import QFileDialog

from footprint_tuner.plugin.bridge.algorithms.report import ReportAlgorithm
from footprint_tuner.plugin.bridge.runs.pdf import write_pdf
from footprint_tuner.plugin.bridge.runs.pdf_action import PdfAction
from footprint_tuner.plugin.bridge.runs.qt_html import make_paper
from footprint_tuner.plugin.core.errors import InputError, RunError
from footprint_tuner.plugin.core.folder import RunFolder

needs_pdftotext = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
SQUARE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><rect width="10" height="10" fill="#ff0000"/></svg>'
)
TALL = SQUARE.replace("0 0 10 10", "0 0 10 20").replace('height="10"', 'height="20"')
BODY = f"""
<header><h1>Report of town.tif</h1><p class="figures"><span>F1</span><b class="before">0.25</b><b>0.75</b></p>
<p class="verdict">Better by more than noise.</p></header>
<section><h2>Score</h2><div class="pair"><figure>{SQUARE}<figcaption>A chart.</figcaption></figure>
<table><thead><tr><th scope="col"></th><th scope="col" class="number">after</th></tr></thead>
<tbody><tr><th scope="row">Precision</th><td class="number">0.533</td></tr></tbody></table></div>
<ul class="legend"><li>right</li><li>missed</li></ul><pre><code>{{"raster": "&lt;b&gt;.tif"}}</code></pre></section>
"""


def write_page(folder, body=BODY):
    """Write a page as a run's folder holds it, and return its path."""
    run = RunFolder(folder)
    run.path.mkdir(exist_ok=True)
    head = "<head><title>t</title><style>p { color: red; }</style></head>"
    text = f'<!DOCTYPE html><html lang="en">{head}<body><main>{body}</main></body></html>'
    run.page.write_text(text, encoding="utf-8")
    return run.page


def read_text(pdf, page=None):
    """Return the text of a PDF, or of one page, its spaces as one."""
    pages = ["-f", str(page), "-l", str(page)] if page else []
    done = subprocess.run(["pdftotext", "-layout", *pages, str(pdf), "-"], capture_output=True, check=True)
    return " ".join(done.stdout.decode("utf-8").split())


def render(pdf, page=1, dpi=72):
    """Return a page's pixels as rows of (red, green, blue): one pixel is a point at 72 dpi."""
    dataset = gdal.OpenEx(f"PDF:{page}:{pdf}", open_options=[f"DPI={dpi}"])
    bands = [dataset.GetRasterBand(number).ReadRaster() for number in (1, 2, 3)]
    width = dataset.RasterXSize
    pixels = list(zip(*bands))
    return [pixels[start : start + width] for start in range(0, len(pixels), width)]


@pytest.fixture
def page(application, tmp_path):
    return write_page(tmp_path / "run")


def test_the_pdf_is_a4_and_has_as_many_pages_as_are_told(page, tmp_path):
    pdf = tmp_path / "town.pdf"
    pages = write_pdf(write_page(page.parent, BODY * 12), pdf)
    assert pages > 1
    assert len(re.findall(rb"/Type /Page\b", pdf.read_bytes())) == pages
    rows = render(pdf)
    assert (len(rows[0]), len(rows)) == (pytest.approx(595, abs=1), pytest.approx(842, abs=1))


@pytest.mark.parametrize(("drawing", "tallness"), [(SQUARE, 1), (TALL, 2)])
def test_a_chart_is_as_wide_as_its_column_and_as_high_as_it_was_drawn(page, tmp_path, drawing, tallness):
    write_pdf(write_page(page.parent, f"<figure>{drawing}</figure>"), tmp_path / "town.pdf")
    reds = [sum(pixel == (255, 0, 0) for pixel in row) for row in render(tmp_path / "town.pdf")]
    assert max(reds) == pytest.approx(236, abs=3)
    assert sum(red > 200 for red in reds) == pytest.approx(236 * tallness, abs=3)


def test_what_is_drawn_beyond_a_charts_edge_is_not_printed(page, tmp_path):
    wide = SQUARE.replace('width="10"', 'width="10" x="-50" y="-50" transform="scale(100)"')
    write_pdf(write_page(page.parent, f"<p>x</p><figure>{wide}</figure><p>y</p>"), tmp_path / "town.pdf")
    reds = [sum(pixel == (255, 0, 0) for pixel in row) for row in render(tmp_path / "town.pdf")]
    assert max(reds) <= 239


def test_a_dark_qgis_prints_dark_letters_on_white_paper(page, tmp_path):
    before = QGuiApplication.palette()
    dark = QPalette(before)
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.WindowText):
        dark.setColor(role, QColor("white"))
    QGuiApplication.setPalette(dark)
    try:
        write_pdf(write_page(page.parent, "<h1>MMMM MMMM</h1>"), tmp_path / "town.pdf")
    finally:
        QGuiApplication.setPalette(before)
    pixels = [pixel for row in render(tmp_path / "town.pdf")[:200] for pixel in row]
    assert min(sum(pixel) for pixel in pixels) < 200
    assert max(pixels) == (255, 255, 255)


def test_no_text_of_the_page_is_lost_and_none_becomes_markup(page):
    html, drawings = make_paper(page.read_text("utf-8"))
    document = QTextDocument()
    document.setHtml(html)
    text = " ".join(document.toPlainText().split())
    for said in ("Report of town.tif", "F1", "0.25", "0.75", "Better by more than noise.", "A chart.", "Precision"):
        assert said in text
    for said in ("0.533", "right", "missed", '{"raster": "<b>.tif"}'):
        assert said in text
    assert "color: red" not in text
    assert drawings == [SQUARE]


def test_a_pair_stands_side_by_side(page):
    html, _ = make_paper(page.read_text("utf-8"))
    row = html[html.index("<tr>") :]
    assert row.count('<td width="50%"') == 2
    assert html.count("<table") == html.count("</table>")
    assert html.count("<td") == html.count("</td>")


@needs_pdftotext
def test_the_words_of_the_page_can_be_searched_in_the_pdf(page, tmp_path):
    pages = write_pdf(page, tmp_path / "town.pdf")
    text = read_text(tmp_path / "town.pdf")
    assert "Better by more than noise." in text
    assert re.search(r"Precision\s+0\.533", text)
    assert f"1/{pages}" in text.replace(" ", "")


@needs_pdftotext
@pytest.mark.parametrize("lines", range(20, 62, 3))
def test_a_heading_stands_on_the_page_of_what_it_heads(page, tmp_path, lines):
    nothing = "<p>nothing</p>" * lines
    follows = f'<h2>Headline</h2><div class="pair"><figure>{SQUARE}<figcaption>Below it</figcaption></figure></div>'
    pages = write_pdf(write_page(page.parent, nothing + follows + "<p>The end</p>"), tmp_path / "town.pdf")
    texts = [read_text(tmp_path / "town.pdf", number + 1) for number in range(pages)]
    assert [("Headline" in text) == ("Below it" in text) for text in texts] == [True] * pages
    assert "The end" in texts[-1]
    assert sum(text.count("nothing") for text in texts) == lines


def test_a_page_that_is_not_there_is_refused(application, tmp_path):
    with pytest.raises(InputError, match="cannot be read") as caught:
        write_pdf(tmp_path / "report.html", tmp_path / "town.pdf")
    assert caught.value.hint
    assert not (tmp_path / "town.pdf").exists()


def test_a_pdf_that_cannot_be_written_is_told_and_leaves_nothing(page, tmp_path):
    with pytest.raises(RunError, match=r"town\.pdf could not be written"):
        write_pdf(page, tmp_path / "no such folder" / "town.pdf")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def choose_file(window, path):
    """Answer the question where to."""
    (dialog,) = window.mainWindow().findChildren(QFileDialog)
    dialog.fileSelected.emit(str(path))
    dialog.close()


def test_the_report_is_saved_where_the_user_says(window, page, tmp_path):
    printer = PdfAction(window)
    printer.ask(str(page.parent))
    choose_file(window, tmp_path / "signed.pdf")
    assert (tmp_path / "signed.pdf").read_bytes().startswith(b"%PDF")
    assert any(f"saved to {tmp_path / 'signed.pdf'} (1 pages)" in text for text in window.read_messages())


def test_a_report_that_is_gone_is_told_to_the_user(window, page, tmp_path):
    page.unlink()
    PdfAction(window).save(RunFolder(page.parent), tmp_path / "signed.pdf")
    assert any("cannot be read" in text for text in window.read_messages())


def run_algorithm(**parameters):
    """Return the results of the algorithm, as Processing gives them; raises what it says where it failed."""
    feedback = QgsProcessingFeedback(False)
    algorithm = ReportAlgorithm().create()
    results, is_good = algorithm.run(parameters, QgsProcessingContext(), feedback, {}, False)
    if not is_good:
        raise QgsProcessingException(feedback.textLog())
    return results


def test_the_algorithm_writes_the_page_of_a_run_and_prints_it_where_that_is_wanted(environment, tmp_path):
    results = run_algorithm(RUN_FOLDER=str(tmp_path), PDF=str(tmp_path / "town.pdf"))
    assert results == {"HTML": str(RunFolder(tmp_path).page), "PDF": str(tmp_path / "town.pdf")}
    assert (tmp_path / "town.pdf").read_bytes().startswith(b"%PDF")
    (tmp_path / "town.pdf").unlink()
    assert run_algorithm(RUN_FOLDER=str(tmp_path)) == {"HTML": str(RunFolder(tmp_path).page)}
    assert not (tmp_path / "town.pdf").exists()


def test_the_algorithm_refuses_a_folder_without_a_run_with_the_workers_own_words(environment, tmp_path, monkeypatch):
    monkeypatch.setenv("STAND_IN", "fails")
    with pytest.raises(QgsProcessingException, match=r"holds no report\.json"):
        run_algorithm(RUN_FOLDER=str(tmp_path))


def test_the_algorithm_refuses_a_folder_that_is_not_there(environment, tmp_path):
    with pytest.raises(QgsProcessingException, match="There is no folder"):
        run_algorithm(RUN_FOLDER=str(tmp_path / "gone"))
