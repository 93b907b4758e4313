"""Documents to blocks of text: txt, md, pdf. What cannot be used is rejected with its reason."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from knowledge.extract import markdown, plain
from knowledge.extract.blocks import Block, clean

__all__ = ["Block", "Extracted", "Rejected", "extract"]

_MAX_BYTES = 20 * 1024 * 1024
_MAX_CHARACTERS = 2_000_000
_TYPES = {
    ".txt": ("txt", "text/plain"),
    ".md": ("md", "text/markdown"),
    ".markdown": ("md", "text/markdown"),
    ".pdf": ("pdf", "application/pdf"),
}


class Rejected(Exception):  # noqa: N818 - what happened to the document
    """This document cannot be used. The message names the file and the reason."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """A document as blocks, in order."""

    name: str
    document_type: str
    mime_type: str
    size: int
    content_hash: str
    blocks: tuple[Block, ...]
    pages: int | None = None


def extract(path: Path, *, within_s: float = 30.0) -> Extracted:
    """Read one file.

    Raises:
        Rejected: Missing, not a document we read, too large, empty, encrypted, broken.
    """
    name = path.name
    kind = _TYPES.get(path.suffix.lower())
    if kind is None:
        known = ", ".join(sorted({k for k, _ in _TYPES.values()}))
        raise Rejected(name, f"not a type that is read ({known})")
    data = _read(path)
    pages = None
    if kind[0] == "pdf":
        if b"%PDF-" not in data[:1024]:
            raise Rejected(name, "not a PDF, whatever its name says")
        # Imported here: the process it starts imports this package and must not need it.
        from knowledge.extract import sandbox  # noqa: PLC0415

        try:
            blocks, pages = sandbox.read_pdf(data, within_s=within_s)
        except sandbox.SandboxError as error:
            raise Rejected(name, str(error)) from None
    else:
        blocks = _text_blocks(name, kind[0], data)
    if not blocks:
        raise Rejected(name, "holds no text")
    return Extracted(
        name=name,
        document_type=kind[0],
        mime_type=kind[1],
        size=len(data),
        content_hash=hashlib.sha256(data).hexdigest(),
        blocks=tuple(blocks),
        pages=pages,
    )


def _text_blocks(name: str, kind: str, data: bytes) -> list[Block]:
    if data.startswith(b"%PDF-"):
        raise Rejected(name, "a PDF with another name")
    text = plain.decode(data)
    if text is None:
        raise Rejected(name, "not text")
    if len(text) > _MAX_CHARACTERS:
        raise Rejected(name, f"more than {_MAX_CHARACTERS} characters of text")
    read = markdown.blocks if kind == "md" else plain.blocks
    return read(clean(text))


def _read(path: Path) -> bytes:
    """The bytes of a regular file; a pipe or a device would keep us waiting."""
    name = path.name
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Rejected(name, (error.strerror or "cannot be opened").lower()) from None
    try:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode):
            raise Rejected(name, "not a regular file")
        if about.st_size > _MAX_BYTES:
            raise Rejected(name, f"{about.st_size} bytes; {_MAX_BYTES} are allowed")
        with os.fdopen(fd, "rb", closefd=False) as file:
            data = file.read(_MAX_BYTES + 1)
    finally:
        os.close(fd)
    if len(data) > _MAX_BYTES:
        raise Rejected(name, f"more than {_MAX_BYTES} bytes")
    if not data:
        raise Rejected(name, "empty")
    return data
