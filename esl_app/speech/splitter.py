r"""Sentences out of a stream of text, each as soon as it is certain.

Theory of operation. What comes in is first made plain: a run of white space and controls becomes
one character, " ", or "\n" for one line break, or "\f" for an empty line, written when what follows
the run is known. In the plain text every mark that may end a sentence is judged by what stands
before it in the same sentence and a bounded piece after it; while that piece is not all there the
mark waits. A judgement therefore never depends on how the stream was cut. A sentence longer than
`LONGEST` is cut at a comma or a space, so what is held is bounded, whatever comes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from esl_app.speech._languages import stops

LONGEST: Final = 400  # characters: some 25 s of speech, more than anybody says in one breath
_LOOKAHEAD: Final = 64  # characters after a mark that can have a say in its judgement
_WORD_SEEN: Final = 12  # letters of the next word that are looked at

# `\s` has neither NUL nor the other controls; a lone surrogate cannot be sent to any engine.
_BLANK: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_CLOSERS: Final = "\"'”’»)\\]*_"
_END: Final = re.compile(rf"([.!?…]{{1,16}}+|[。！？])[{_CLOSERS}]{{0,8}}+|[\n\f]")
_END_OR_CLAUSE: Final = re.compile(_END.pattern + r"|[,;:—–]")
_OPENERS: Final = re.compile(r"[\"'“‘«(\[¿¡*_]{0,6}")
_ITEM: Final = re.compile(r"[-*•–·]|\d{1,2}[.)](?!\d)")
_MARKER: Final = re.compile(r"[(\[]?(?:\d{1,3}|[A-Za-z])")
_WORD: Final = re.compile(rf"[^\W\d_]{{1,{_WORD_SEEN}}}")
_DOTTED: Final = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")
_CLOCK: Final = re.compile(r"\b[aApP](?:\. ?)?[mM]$")
_SHORT_LINE: Final = 45  # characters; longer lines are text that somebody wrapped


class Splitter:
    """Sentences of one answer; `feed` what comes and `close` at its end.

    >>> splitter = Splitter("pt-BR")
    >>> splitter.feed("Custa R$ 1.234,56. O Dr. Lima ate")
    ['Custa R$ 1.234,56.']
    >>> splitter.feed("nde às 9."), splitter.close()
    ([], ['O Dr. Lima atende às 9.'])

    Args:
        language: A tag such as "en", "pt-BR", "es-MX".
        first_words: Let the first sentence end at a comma or colon once it has so many words, so
            that its sound can be made sooner. None: whole sentences only.
    """

    def __init__(self, language: str = "en", *, first_words: int | None = None) -> None:
        self._stops = stops(language)
        self._first_words = first_words
        self._text = ""  # plain text from the beginning of the sentence on
        self._seen = 0  # up to here there is no end
        self._blank = False  # a run of white space is open
        self._breaks = 0  # line breaks in it

    def feed(self, piece: str) -> list[str]:
        """Take a piece of text; give the sentences that are certain now."""
        self._text += self._plain(piece)
        return self._cut(final=False)

    def close(self) -> list[str]:
        """Give what is left; the splitter may then be fed another text."""
        found = self._cut(final=True)
        self._text, self._seen, self._blank, self._breaks = "", 0, False, 0
        return found

    def _plain(self, piece: str) -> str:
        """The piece with each finished run of white space as one character."""
        out: list[str] = []
        at = 0
        while at < len(piece):
            if (run := _BLANK.match(piece, at)) is not None:
                self._blank = True
                self._breaks += run.group().count("\n")
                at = run.end()
                continue
            if self._blank:
                out.append(" \n\f"[min(self._breaks, 2)])
                self._blank, self._breaks = False, 0
            following = _BLANK.search(piece, at)
            end = len(piece) if following is None else following.start()
            out.append(piece[at:end])
            at = end
        return "".join(out)

    def _cut(self, *, final: bool) -> list[str]:
        found: list[str] = []
        text, begin = self._text, 0
        while True:
            end = self._next_end(text, begin, final=final)
            if end is None:
                break
            sentence = " ".join(text[begin:end].split())
            begin = self._seen = end
            if any(map(str.isalnum, sentence)):
                found.append(sentence)
                self._first_words = None
        self._text, self._seen = text[begin:], self._seen - begin
        return found

    def _next_end(self, text: str, begin: int, *, final: bool) -> int | None:
        """Where the sentence that begins at `begin` ends; None while that is not certain."""
        limit = begin + LONGEST
        marks = _END if self._first_words is None else _END_OR_CLAUSE
        at = max(self._seen, begin)
        end: int | None = None
        while (
            mark := marks.search(text, at, limit + _LOOKAHEAD)
        ) is not None and mark.start() <= limit:
            judged = self._judge(text, begin, mark, final=final)
            if judged is None:
                break
            if judged:
                end = mark.end()
                break
            at = mark.end()
        self._seen = at if mark is not None else len(text)
        if end is not None and end <= limit:
            return end
        if end is not None or len(text) >= limit + _LOOKAHEAD or (final and len(text) > limit):
            return _forced(text, begin, limit)
        return len(text) if final and begin < len(text) else None

    def _judge(  # noqa: PLR0911 - one return for each kind of mark
        self, text: str, begin: int, mark: re.Match[str], *, final: bool
    ) -> bool | None:
        """Whether a mark ends the sentence; None when too little of what follows is there."""
        end = mark.end()
        if mark.group() == "\f":
            return True
        if mark.group() == "\n":
            return _line_ends(text, begin, mark.start(), final=final)
        if end + 1 >= len(text):  # at least one character after the space
            return True if final else None
        run = mark.group(1)
        if run is None:
            return self._clause_ends(text, begin, end)
        if run in "。！？":
            return True
        if text[end] not in " \n\f":
            return False
        if text[end] == "\f":
            return True
        if run != ".":
            return _strong_ends(text, mark)
        opened = _OPENERS.match(text, end + 1)
        following = end + 1 if opened is None else opened.end()
        if following >= len(text):
            return True if final else None
        return self._stop_ends(text, begin, mark.start(), following, final=final)

    def _stop_ends(  # noqa: PLR0911 - one return for each kind of word before it
        self, text: str, begin: int, stop: int, following: int, *, final: bool
    ) -> bool | None:
        """Whether one full stop ends the sentence, `following` being the next word's place."""
        first = text[following]
        if first.islower() or first in ",;:.!?…":
            return False
        if _MARKER.fullmatch(text[begin:stop].strip()):  # "1. Call us": the number of an item
            return False
        token = (
            text[max(begin, stop - 24) : stop].rsplit(" ", maxsplit=1)[-1].lstrip("([\"'“‘«¿¡*_")
        )
        low = token.lower()
        words = self._stops
        if low in words.never:
            return False
        dotted = _DOTTED.fullmatch(token) is not None
        if first.isdigit():
            letter = len(token) == 1 and token.isalpha()
            return not (dotted or letter or low in words.numbered or low in words.perhaps)
        clock = _CLOCK.search(text, max(begin, stop - 5), stop) is not None
        initial = len(token) == 1 and token.isupper()
        if not (clock or dotted or initial or low in words.perhaps):
            return True
        word = _WORD.match(text, following)
        if word is None:
            return True
        if word.end() >= len(text) and len(word.group()) < _WORD_SEEN and not final:
            return None
        if clock:
            return word.group().lower() not in words.dates
        spelled = text[word.end() : word.end() + 1] == "."  # "J. A. Smith": an initial again
        return word.group().lower() in words.starters and not spelled

    def _clause_ends(self, text: str, begin: int, end: int) -> bool:
        """Whether the first sentence may already be said up to this comma, colon or dash."""
        if self._first_words is None or text[end] != " ":
            return False
        clause = text[begin:end]
        if len(clause.split()) < self._first_words or clause.count("(") > clause.count(")"):
            return False
        return not (clause[-2:-1].isdigit() and text[end + 1].isdigit())  # "555, 0134"


def sentences(
    pieces: Iterable[str], language: str = "en", *, first_words: int | None = None
) -> Iterator[str]:
    """Yield the sentences of a stream of text, each as soon as it is certain.

    >>> list(sentences(["We open at 9 a.m. on Sat", "urdays. Dr. Lee is in. Bye"]))
    ['We open at 9 a.m. on Saturdays.', 'Dr. Lee is in.', 'Bye']
    >>> list(sentences(["Of course, I can help you with that, one moment. Yes."], first_words=5))
    ['Of course, I can help you with that,', 'one moment.', 'Yes.']
    """
    splitter = Splitter(language, first_words=first_words)
    for piece in pieces:
        yield from splitter.feed(piece)
    yield from splitter.close()


def _strong_ends(text: str, mark: re.Match[str]) -> bool:
    """Whether "?", "!" or an ellipsis, with white space after it, ends the sentence."""
    following = text[mark.end() + 1]
    if following in ",;:.!?…":
        return False
    if following.islower():  # '"Why?" he asked', "Well... perhaps", but "Sure! let me look"
        return mark.end() == mark.end(1) and mark.group(1)[-1] in "!?"
    return True


def _line_ends(text: str, begin: int, at: int, *, final: bool) -> bool | None:
    """Whether a line break ends the sentence: before an item of a list and after a short line."""
    if len(text) < at + 5 and not final:
        return None
    if _ITEM.match(text, at + 1):
        return True
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if after.islower() or before in ",.":  # a full stop was judged for itself
        return False
    return at - max(begin, text.rfind("\n", begin, at)) < _SHORT_LINE


def _forced(text: str, begin: int, limit: int) -> int:
    """Where to cut a sentence that nobody can say: after a comma, at a space, or just there."""
    for mark in (", ", "; ", " "):
        if (at := text.rfind(mark, begin + LONGEST // 2, limit)) >= 0:
            return at + 1
    return limit
