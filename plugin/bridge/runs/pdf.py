"""A run's page on paper: A4, numbered, its drawings as lines and text, by nothing but Qt."""

from __future__ import annotations

from pathlib import Path

from qgis.PyQt.QtCore import QByteArray, QMarginsF, QObject, QRectF, QSizeF, Qt
from qgis.PyQt.QtGui import (
    QAbstractTextDocumentLayout,
    QFont,
    QPageLayout,
    QPageSize,
    QPainter,
    QPalette,
    QPdfWriter,
    QTextBlock,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextObjectInterface,
)
from qgis.PyQt.QtSvg import QSvgRenderer

from ...core.atomic_file import replacing
from ...core.errors import InputError
from ...core.folder import RunFolder
from ...core.output_files import require_free
from ...core.run_guard import list_run_files
from .qt_html import SCHEME, make_paper

_DPI = 300
_POINTS_PER_INCH = 72
_MARGINS_MM = (14.0, 14.0, 14.0, 12.0)
_MARGIN_PX = 8.0  # around the text of each page
_MOST_MOVED = 0.6  # of a page: more is torn rather than moved
_FOOT_PT = 22.0
#: Widths of drawings in points, by the class they have on the page ("": a chart).
_WIDTHS_PT = {"picture": 240.0, "sample": 20.0, "": 236.0}
_STYLE = """
body { color: #1f2328; font-size: 9pt; }
h1 { font-size: 17pt; }
h2 { font-size: 13pt; }
h3 { font-size: 10pt; }
p, li { margin-top: 2px; margin-bottom: 4px; }
.muted, .caption, th { color: #57606a; }
.caption { font-size: 8pt; }
.before { color: #767676; font-size: 24pt; }
.after { color: #0072b2; font-size: 24pt; }
td.verdict { background-color: #eef3f8; font-size: 11pt; }
.cell { border-bottom: 1px solid #d8dee4; }
pre { font-family: monospace; font-size: 7.5pt; white-space: pre-wrap; background-color: #f6f8fa; }
"""


def write_pdf(page: Path, target: Path) -> int:
    """Write a run's ``report.html`` as a PDF, by a temporary name, and return how many pages it has.

    One that is there is replaced, but for files of the run and its inputs. Raises InputError where it is one of them,
    and where there is no page that can be read, RunError where the PDF cannot be written.
    """
    require_free(target, list_run_files(RunFolder(page.parent)), may_replace=True)
    try:
        text = page.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(
            f"The page {page} cannot be read: {error}", "Run `report` on the run's folder to write it again."
        ) from error
    html, drawings = make_paper(text)
    with replacing(target) as partial:
        writer = _open_writer(partial, page.parent.name)
        painter = QPainter()
        if not painter.begin(writer):
            raise PermissionError(13, "permission denied", str(target))
        try:
            return _print(html, drawings, writer, painter)
        finally:
            painter.end()


def _open_writer(path: Path, title: str) -> QPdfWriter:
    writer = QPdfWriter(str(path))
    writer.setResolution(_DPI)
    writer.setTitle(title)
    writer.setCreator("Footprint Tuner")
    size, side = QPageSize(QPageSize.PageSizeId.A4), QPageLayout.Orientation.Portrait
    writer.setPageLayout(QPageLayout(size, side, QMarginsF(*_MARGINS_MM), QPageLayout.Unit.Millimeter))
    return writer


def _print(html: str, drawings: list[str], writer: QPdfWriter, painter: QPainter) -> int:
    unit = _DPI / _POINTS_PER_INCH
    width, height = writer.width(), writer.height() - _FOOT_PT * unit
    document = QTextDocument()
    document.setDocumentMargin(_MARGIN_PX)
    document.setDefaultFont(QFont("sans-serif", 9))
    document.setDefaultStyleSheet(_STYLE)
    layout = document.documentLayout()
    layout.setPaintDevice(writer)
    painters = _Drawings(drawings, unit)
    layout.registerHandler(QTextFormat.ObjectTypes.ImageObject, painters)
    document.setHtml(html)
    document.setPageSize(QSizeF(width, height))
    look = QAbstractTextDocumentLayout.PaintContext()
    palette = QPalette()
    palette.setColor(QPalette.ColorRole.Text, Qt.GlobalColor.black)  # a dark QGIS prints on white paper, too
    look.palette = palette
    _keep_headings(document, height)
    pages: int = document.pageCount()
    for number in range(pages):
        if number:
            writer.newPage()
        painter.save()
        painter.translate(0, -number * height)
        look.clip = QRectF(0, number * height, width, height)
        painter.setClipRect(look.clip)
        layout.draw(painter, look)
        painter.restore()
        _draw_foot(painter, QRectF(0, height, width, _FOOT_PT * unit), f"{number + 1} / {pages}")
    return pages


def _keep_headings(document: QTextDocument, height: float) -> None:
    """Move headings to the next page whose text begins there, or whose pictures would be torn."""
    block = document.begin()
    while block.isValid():
        follower = block.next()
        if block.blockFormat().headingLevel() and follower.isValid():
            top, (start, end) = _find_extent(document, block)[0], _find_extent(document, follower)
            is_torn = start // height < end // height and end - top < _MOST_MOVED * height
            if is_torn or top // height < start // height:
                how = block.blockFormat()
                how.setPageBreakPolicy(QTextFormat.PageBreakFlag.PageBreak_AlwaysBefore)
                QTextCursor(block).setBlockFormat(how)
                document.markContentsDirty(0, document.characterCount())  # else Qt draws by the old places
        block = follower


def _find_extent(document: QTextDocument, block: QTextBlock) -> tuple[float, float]:
    """Return the upper and lower edge of a block's first line, or of the table that it begins."""
    frame, root = QTextCursor(block).currentFrame(), document.rootFrame()
    if frame != root:
        while frame.parentFrame() != root:
            frame = frame.parentFrame()
        place = document.documentLayout().frameBoundingRect(frame)
        return place.top(), place.bottom()
    place = document.documentLayout().blockBoundingRect(block)
    line = block.layout().lineAt(0).rect() if block.layout().lineCount() else place
    return place.top(), place.top() + line.bottom()


def _draw_foot(painter: QPainter, place: QRectF, text: str) -> None:
    painter.setFont(QFont("sans-serif", 8))
    painter.setPen(Qt.GlobalColor.darkGray)
    painter.drawText(place, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom), text)


class _Drawings(QObject, QTextObjectInterface):
    """Draws the images of a text document that are SVG: on paper they stay lines and text."""

    def __init__(self, drawings: list[str], unit: float) -> None:
        """Take the drawings in their order; ``unit`` is how many dots a point has."""
        super().__init__()
        self._drawings = [QSvgRenderer(QByteArray(text.encode("utf-8"))) for text in drawings]
        kinds = ["picture" if 'class="picture"' in text[:600] else "" for text in drawings]
        kinds = ["sample" if "aria-hidden" in text[:200] else kind for text, kind in zip(drawings, kinds)]
        self._widths = [_WIDTHS_PT[kind] * unit for kind in kinds]

    def intrinsicSize(self, document: QTextDocument, place: int, how: QTextFormat) -> QSizeF:
        """Return a drawing's size in dots; called by Qt."""
        del document, place
        number = _read_number(how)
        size, width = self._drawings[number].viewBoxF().size(), self._widths[number]
        return QSizeF(width, width * size.height() / size.width() if size.width() else 0.0)

    def drawObject(
        self, painter: QPainter, rectangle: QRectF, document: QTextDocument, place: int, how: QTextFormat
    ) -> None:
        """Draw; called by Qt."""
        del document, place
        painter.save()
        painter.setClipRect(rectangle, Qt.ClipOperation.IntersectClip)  # Qt draws beyond an SVG's own edges
        self._drawings[_read_number(how)].render(painter, rectangle)
        painter.restore()


def _read_number(how: QTextFormat) -> int:
    return int(how.toImageFormat().name()[len(SCHEME) :])
