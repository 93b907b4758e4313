"""Markdown to blocks: headings become titles, marks that a voice cannot say go. Pure."""

from __future__ import annotations

import re

from knowledge.extract.blocks import Block, Outline

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_TABLE_RULE = re.compile(r"\s*\|?[\s:|-]*-[\s:|-]*\|[\s:|-]*$")
_BREAK = re.compile(r" {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_INLINE = (
    (re.compile(r"!\[([^\]\n]*)\]\([^)\n]*\)"), r"\1"),
    (re.compile(r"\[([^\]\n]+)\]\([^)\n]*\)"), r"\1"),
    (re.compile(r"<(https?://[^>\s]+|[^>\s@]+@[^>\s]+)>"), r"\1"),
    (re.compile(r"</?[a-zA-Z][^>\n]{0,200}>"), ""),
    (re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?!\w)"), r"\1"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?!\w)"), r"\1"),
    (re.compile(r"`+([^`\n]+)`+"), r"\1"),
    (re.compile(r"^\s*>\s?"), ""),
)


def blocks(text: str) -> list[Block]:
    """One block for each stretch between headings; empty ones are left out."""
    plain = _COMMENT.sub(lambda m: "\n" * m[0].count("\n"), text)
    lines, first = _body(plain.split("\n"))
    outline = Outline()
    fence = ""
    for number, line in enumerate(lines, start=first):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence):
                fence = ""
            else:
                outline.add(line, f"line {number}")
        elif mark:
            fence = mark[1]
        else:
            _add(outline, line, number)
    return outline.blocks()


def _add(outline: Outline, line: str, number: int) -> None:
    underline = _SETEXT.match(line)
    before = outline.lines[-1] if outline.lines else ""
    if underline and before.strip() and not before.lstrip().startswith("|"):
        outline.lines.pop()
        outline.heading(1 if underline[1][0] == "=" else 2, before.strip())
    elif (match := _HEADING.match(line)) and match[2]:
        outline.heading(len(match[1]), _inline(match[2]).strip())
    elif not (_TABLE_RULE.match(line) or _BREAK.match(line)):
        text = _inline(line)
        # Blank lines before the text would give it the wrong line number.
        if text.strip() or outline.lines:
            outline.add(text, f"line {number}")


def _body(lines: list[str]) -> tuple[list[str], int]:
    """The lines after a front matter block, and the number of the first of them."""
    if lines and lines[0].strip() == "---":
        for index in range(1, min(len(lines), 100)):
            if lines[index].strip() in ("---", "..."):
                return lines[index + 1 :], index + 2
    return lines, 1


def _inline(line: str) -> str:
    for pattern, replacement in _INLINE:
        line = pattern.sub(replacement, line)
    return line
