"""PDFs are opened apart from us; whatever they do ends there, with a reason."""

from __future__ import annotations

import io
import os
import resource
import time
import zlib
from pathlib import Path

import gevent
import pypdf
import pytest
from pypdf.generic import (
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    NumberObject,
)

from knowledge.extract import Rejected, extract

pytestmark = pytest.mark.integration


def _page(writer: pypdf.PdfWriter, content: bytes) -> None:
    page = writer.add_blank_page(300, 300)
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    page[NameObject("/Resources")] = DictionaryObject(
        {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
    )
    stream = DecodedStreamObject()
    stream.set_data(content)
    page[NameObject("/Contents")] = writer._add_object(stream)


def _bytes(writer: pypdf.PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _text_pdf(*pages: list[tuple[int, str]]) -> pypdf.PdfWriter:
    writer = pypdf.PdfWriter()
    for lines in pages:
        parts, y = [], 280
        for size, text in lines:
            parts.append(f"BT /F1 {size} Tf 10 {y} Td ({text}) Tj ET")
            y -= size + 6
        _page(writer, "\n".join(parts).encode())
    return writer


def _reason(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(Rejected) as rejected:
        extract(path)
    assert rejected.value.name == path.name
    return rejected.value.reason


def _outcome(path: Path) -> str:
    """The text of the first block, or why there is none."""
    try:
        return extract(path).blocks[0].text
    except Rejected as rejected:
        return rejected.reason


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.pdf"


def test_headings_by_size_and_a_block_a_page(path: Path) -> None:
    writer = _text_pdf(
        [(18, "Policies"), (10, "Read this first."), (13, "Fees"), (10, "A fee is 40 dollars.")],
        [(10, "It is charged once.")],
    )
    path.write_bytes(_bytes(writer))
    found = extract(path)
    assert found.pages == 2
    assert [(b.titles, b.anchor, b.text) for b in found.blocks] == [
        (("Policies",), "page 1", "Read this first."),
        (("Policies", "Fees"), "page 1", "A fee is 40 dollars."),
        (("Policies", "Fees"), "page 2", "It is charged once."),
    ]


def test_the_demo_s_pdf(demo_documents: list[Path]) -> None:
    (pdf,) = [p for p in demo_documents if p.suffix == ".pdf"]
    titles = [block.titles[-1] for block in extract(pdf).blocks]
    assert {"Insurance", "Emergencies", "Children"} < set(titles)


def test_a_password_and_no_password(path: Path) -> None:
    writer = _text_pdf([(10, "Secret text.")])
    writer.encrypt("open sesame", algorithm="RC4-128")
    assert _reason(path, _bytes(writer)) == "encrypted with a password"
    writer = _text_pdf([(10, "Anybody may read this.")])
    writer.encrypt("", owner_password="owner", algorithm="RC4-128")
    path.write_bytes(_bytes(writer))
    assert extract(path).blocks[0].text == "Anybody may read this."


def test_nothing_to_read(path: Path) -> None:
    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    assert _reason(path, _bytes(writer)) == "holds no text; is it scanned?"


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_cut_short(path: Path, keep: float) -> None:
    data = _bytes(_text_pdf([(10, "Whole.")]))
    path.write_bytes(data[: int(len(data) * keep)])
    assert _outcome(path) in ("Whole.", "broken, or not a PDF", "holds no text; is it scanned?")


def test_pages_that_contain_themselves(path: Path) -> None:
    writer = _text_pdf([(10, "x")])
    root = writer._root_object["/Pages"].get_object()
    assert isinstance(root, DictionaryObject)
    kids = root["/Kids"]
    assert isinstance(kids, list)
    kids.append(root.indirect_reference)
    began = time.monotonic()
    path.write_bytes(_bytes(writer))
    assert _outcome(path)
    assert time.monotonic() - began < 25


def _bomb() -> bytes:
    """A page whose stream is a gigabyte once it is unpacked."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b"\0" * 2**20) for _ in range(1024)) + packer.flush()
    writer = _text_pdf([(10, "x")])
    (page,) = writer.pages
    stream = DecodedStreamObject()
    stream.set_data(packed)
    stream[NameObject("/Filter")] = NameObject("/FlateDecode")
    stream[NameObject("/Length")] = NumberObject(len(packed))
    page[NameObject("/Contents")] = writer._add_object(stream)
    return _bytes(writer)


def test_a_stream_that_grows_to_a_gigabyte(path: Path) -> None:
    data = _bomb()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    assert _reason(path, data)
    assert time.monotonic() - began < 25
    # The bomb went off elsewhere.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def _readers() -> list[str]:
    """Processes of ours that are reading a PDF now."""
    found = []
    for pid in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if b"pdf_process" in command:
            found.append(pid)
    return found


def test_who_gives_up_waiting_takes_the_reader_with_him(path: Path) -> None:
    path.write_bytes(_bomb())
    waiting = gevent.spawn(extract, path)
    end = time.monotonic() + 10
    while not _readers():
        assert time.monotonic() < end
        gevent.sleep(0.01)
    waiting.kill(timeout=5)
    assert _readers() == []


def test_a_reader_that_never_ends_is_ended(path: Path) -> None:
    path.write_bytes(_bytes(_text_pdf([(10, "x")])))
    began = time.monotonic()
    with pytest.raises(Rejected, match="takes too long to read"):
        extract(path, within_s=0.001)
    assert time.monotonic() - began < 5


def test_the_next_one_works_and_no_process_is_left(path: Path) -> None:
    _reason(path, b"%PDF-1.4 broken")
    path.write_bytes(_bytes(_text_pdf([(10, "Fine.")])))
    assert extract(path).blocks[0].text == "Fine."
    assert _readers() == []
