from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from knowledge.extract import Rejected, extract

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.docx", b"PK", "not a type that is read (md, pdf, txt)"),
        ("noextension", b"x", "not a type that is read (md, pdf, txt)"),
        ("a.txt", b"", "empty"),
        ("a.txt", b"  \n\t\n", "holds no text"),
        ("a.md", b"# only a heading\n", "holds no text"),
        ("a.txt", b"\x7fELF\x00\x00", "not text"),
        ("a.txt", b"%PDF-1.7\n", "a PDF with another name"),
        ("a.pdf", b"hello", "not a PDF, whatever its name says"),
    ],
)
def test_what_cannot_be_used_is_rejected_by_name(
    tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(Rejected) as rejected:
        extract(path)
    assert str(rejected.value) == f"{name}: {reason}"


def test_a_missing_file_a_folder_and_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "folder.txt").mkdir()
    os.mkfifo(tmp_path / "pipe.txt")
    for name, reason in (
        ("missing.txt", "no such file or directory"),
        ("folder.txt", "not a regular file"),
        ("pipe.txt", "not a regular file"),
    ):
        with pytest.raises(Rejected) as rejected:
            extract(tmp_path / name)
        assert str(rejected.value) == f"{name}: {reason}"


def test_too_large(tmp_path: Path) -> None:
    path = tmp_path / "big.txt"
    with path.open("wb") as file:
        file.truncate(30 * 1024 * 1024)
    with pytest.raises(Rejected, match="31457280 bytes; 20971520 are allowed"):
        extract(path)


def test_a_document_s_facts(tmp_path: Path) -> None:
    path = tmp_path / "hours.MD"
    path.write_bytes(b"# Hours\r\nFrom nine.\r\n")
    found = extract(path)
    assert (found.document_type, found.mime_type, found.size) == ("md", "text/markdown", 21)
    assert found.content_hash == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [(b.titles, b.text) for b in found.blocks] == [(("Hours",), "From nine.")]
