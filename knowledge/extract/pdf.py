"""PDF to blocks, page by page. Runs in a process of its own: see `knowledge.extract.sandbox`.

A page has no headings, only lines in fonts; a short line in a larger or bolder font than most of
the text is taken for one.
"""

from __future__ import annotations

import io
import logging
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pypdf
from pypdf.errors import DependencyError, PyPdfError

from knowledge.extract.blocks import Block, Outline, clean

_MAX_PAGES = 500
_MAX_CHARACTERS = 2_000_000
_HEADING_MAX = 80


class Unreadable(Exception):  # noqa: N818 - what the file is
    """The PDF cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    size: float
    bold: bool
    page: int


def blocks(data: bytes) -> tuple[list[Block], int]:
    """The document's blocks and its number of pages.

    Raises:
        Unreadable: Encrypted, broken, too long, or without text.
    """
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        return _read(data)
    except Unreadable:
        raise
    except DependencyError:
        reason = "encrypted in a way that is not supported"
    except MemoryError:
        reason = "needs too much memory"
    except RecursionError:
        reason = "nested too deeply"
    except (PyPdfError, OSError):
        reason = "broken, or not a PDF"
    except Exception as error:  # noqa: BLE001 - whatever a hostile file makes a parser stumble over
        reason = f"broken ({type(error).__name__})"
    raise Unreadable(reason)


def _read(data: bytes) -> tuple[list[Block], int]:
    reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
    if reader.is_encrypted and not reader.decrypt(""):
        raise Unreadable("encrypted with a password")
    pages = len(reader.pages)
    if pages > _MAX_PAGES:
        raise Unreadable(f"{pages} pages; {_MAX_PAGES} are allowed")
    found = _blocks(_lines(reader))
    if not found:
        raise Unreadable("holds no text; is it scanned?")
    return found, pages


def _lines(reader: pypdf.PdfReader) -> list[_Line]:
    lines: list[_Line] = []
    total = 0
    for number, page in enumerate(reader.pages, start=1):
        pieces: list[tuple[str, float, bool]] = []

        def visit(text: str, _cm: Any, tm: Any, font: Any, size: float, into: Any = pieces) -> None:
            scale = abs(tm[3]) or abs(tm[0]) or 1.0
            name = str(font.get("/BaseFont", "")) if font else ""
            into.append((text, size * scale, "bold" in name.lower()))

        page.extract_text(visitor_text=visit)
        page_lines = _joined(pieces, number)
        total += sum(len(line.text) for line in page_lines)
        if total > _MAX_CHARACTERS:
            raise Unreadable(f"more than {_MAX_CHARACTERS} characters of text")
        lines += page_lines
    return lines


def _joined(pieces: list[tuple[str, float, bool]], page: int) -> list[_Line]:
    """Pieces as they were drawn, put together into lines."""
    lines: list[_Line] = []
    text, size, bold = "", 0.0, True
    for piece, piece_size, piece_bold in pieces:
        for index, part in enumerate(piece.split("\n")):
            if index:
                lines.append(_Line(clean(text).strip(), size, bold and bool(text.strip()), page))
                text, size, bold = "", 0.0, True
            if part.strip():
                size, bold = max(size, piece_size), bold and piece_bold
            text += part
    lines.append(_Line(clean(text).strip(), size, bold and bool(text.strip()), page))
    return lines


def _blocks(lines: list[_Line]) -> list[Block]:
    weights: Counter[float] = Counter()
    for line in lines:
        weights[round(line.size, 1)] += len(line.text)
    body = weights.most_common(1)[0][0] if weights else 0.0
    bold_share = sum(len(x.text) for x in lines if x.bold) / max(1, sum(weights.values()))
    outline = Outline()
    page = 1
    for line in lines:
        if line.page != page:
            # A passage names one page, so none crosses to the next.
            outline.flush()
            page = line.page
        short = 0 < len(line.text) <= _HEADING_MAX and not line.text.endswith((".", ",", ";"))
        if short and (line.size >= body * 1.15 or (line.bold and bold_share < 0.4)):
            depth = -line.size - (0.5 if line.bold else 0.0)
            outline.heading(depth, line.text.rstrip(":"))
        elif line.text or outline.lines:
            outline.add(line.text, f"page {page}")
    return outline.blocks()
