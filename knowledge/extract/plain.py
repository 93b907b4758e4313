"""Plain text to blocks: underlined and capital lines are headings. Pure."""

from __future__ import annotations

import re

from knowledge.extract.blocks import Block, Outline

_UNDERLINE = re.compile(r"\s*([=~-])\1{2,}\s*$")


def decode(data: bytes) -> str | None:
    """The text of a file, or None when it is not one."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    # Windows' Western European page has a character for nearly each byte, so it "reads" anything:
    # many control bytes give a binary file away.
    odd = sum(byte < 32 and byte not in b"\t\n\r\f" for byte in data[:65536])
    return None if odd > len(data[:65536]) / 200 else data.decode("cp1252", "replace")


def blocks(text: str) -> list[Block]:
    """One block for each stretch under a heading."""
    lines = text.split("\n")
    outline = Outline()
    for number, (line, following) in enumerate(zip(lines, [*lines[1:], ""], strict=True), start=1):
        if _UNDERLINE.match(line):
            continue
        underlined = bool(line.strip()) and bool(_UNDERLINE.match(following))
        if underlined or _is_capital_heading(line):
            outline.heading(1, line.strip().rstrip(":"))
        elif line.strip() or outline.lines:
            outline.add(line, f"line {number}")
    return outline.blocks()


def _is_capital_heading(line: str) -> bool:
    text = line.strip()
    letters = [c for c in text if c.isalpha()]
    return (
        len(letters) >= 4
        and len(text) <= 60
        and all(c.isupper() for c in letters)
        and not text.endswith((".", "!", "?", ",", ";"))
        and not any(c.isdigit() for c in text)
    )
