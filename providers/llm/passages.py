"""From passages and a question to the sentences that answer it, or to none. Pure.

A passage is cut into units: sentences, list items, table rows, each with the heading it stands
under. A question becomes its rare words and the ideas behind it ("how much" asks for a price). A
unit answers when enough of the rare words are in it, its heading or, less, its passage, and when
the ideas that cannot be dodged are met. With vectors at hand, closeness in meaning counts as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from providers.contracts import Source
from providers.llm.words import Idea, Words, fold, same, stem

_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"')\]]*\s+(?=[\"'(¿¡]*[\w¿¡$€£])")
_NEVER_AN_END = re.compile(
    r"\b(?:[A-Z]|Dr|Dra|Mr|Mrs|Ms|Sr|Sra|St|Ave|No|Nr|e\.g|i\.e|approx|tel|vs)\.$", re.IGNORECASE
)
_PERHAPS_AN_END = re.compile(r"\b(?:a\.m|p\.m|etc)\.$", re.IGNORECASE)  # when a capital follows
_ITEM = re.compile(r"^\s*(?:[-*•–·]|\d{1,2}[.)])\s+")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+")
_ROW = re.compile(r"^\s*\|.*\|\s*$")
_RULE = re.compile(r"^[\s|:=*_-]+$")
_MARKS = re.compile(r"\*\*|__|`|\[(?=[^\]]{0,200}\]\()|\]\([^)]{0,300}\)|<[^>]{1,80}>")

_SHORT = 60
_LONGEST_PASSAGE = 10_000
_MOST_TERMS = 24  # of a rambling utterance; the work grows with them, and it is done on the hub
_ENDS = (".", "!", "?", "…", ",", ";")

# Tried on the document set of tests/unit/providers/test_extractive.py.
_ENOUGH = 0.34
_IN_CONTEXT, _IN_PASSAGE = 0.6, 0.3
# Cosines of single sentences: alone they separate badly (a wrong one reaches 0.46, a right one may
# have 0.24), together with shared words well.
_TOGETHER, _MET, _CLOSE, _FAR = 1.0, 0.25, 0.55, 0.18

Closeness = Callable[[str, Sequence[str]], Sequence[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What can be said on its own."""

    source: Source
    index: int  # place within its source
    text: str
    heading: str
    listed: bool  # an item of a list or a row of a table, rather than a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked for: stems of rare words and ideas, and what earlier turns add to them."""

    text: str
    terms: tuple[str, ...]
    ideas: tuple[Idea, ...]
    context_terms: tuple[str, ...] = ()
    context_ideas: tuple[Idea, ...] = ()

    @property
    def leans(self) -> bool:
        return bool(self.context_terms or self.context_ideas)

    @property
    def empty(self) -> bool:
        return not (self.terms or self.ideas or self.context_terms or self.context_ideas)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A unit and how well it answers."""

    unit: Unit
    score: float
    covered: float  # the share of the question's rare words that is met
    answers: bool
    whole: bool  # whether all that answers belongs together


def ask(turns: Sequence[str], words: Words) -> Question:
    """The question of the last turn; the earlier ones count when it leans on them."""
    last = turns[-1]
    terms, ideas = _content(last, words)
    leans = len(terms) <= 2 and (words.follow_up.search(fold(last)) is not None or not terms)
    if not leans:
        return Question(text=last, terms=terms, ideas=ideas)
    for earlier in reversed(turns[:-1]):
        context_terms, context_ideas = _content(earlier, words)
        if context_terms or context_ideas:
            return Question(
                text=f"{earlier} {last}",
                terms=terms,
                ideas=ideas,
                context_terms=tuple(term for term in context_terms if term not in terms),
                # "And how long does it take?" does not ask for the price again.
                context_ideas=() if ideas else context_ideas,
            )
    return Question(text=last, terms=terms, ideas=ideas)


def units(source: Source) -> list[Unit]:
    """A passage in pieces, in order."""
    found: list[Unit] = []
    heading = ""
    for text, kind in _lines(source.text[:_LONGEST_PASSAGE]):
        if kind == "heading":
            heading = text.rstrip(":")
            continue
        pieces = [text] if kind == "item" else _sentences(text)
        found += [
            Unit(
                source=source,
                index=len(found) + offset,
                text=piece,
                heading=heading,
                listed=kind == "item",
            )
            for offset, piece in enumerate(pieces)
        ]
    return found


def rank(
    question: Question,
    found: Sequence[Unit],
    words: Words,
    closeness: Closeness | None = None,
) -> list[Scored]:
    """Every unit with its score, best first; equal scores keep the order of the passages."""
    stems = [_stems(unit.text, words) for unit in found]
    contexts = [_stems(f"{unit.source.title} {unit.heading}", words) for unit in found]
    passages: dict[str, list[str]] = {}
    for unit, own in zip(found, stems, strict=True):
        passages.setdefault(unit.source.id, []).extend(own)
    near = closeness(question.text, [_spoken(unit) for unit in found]) if closeness else None
    asked = question.terms or question.context_terms
    weights = {term: _weight(term, stems) for term in (*question.terms, *question.context_terms)}
    scored = []
    for place, (unit, own, context) in enumerate(zip(found, stems, contexts, strict=True)):
        hits = {term: _hit(term, own, context, passages[unit.source.id]) for term in weights}
        covered = _share(hits, weights, asked)
        leant = _share(hits, weights, question.context_terms) if question.terms else 0.0
        idea, dodged = _ideas(question, unit)
        answers = covered >= _ENOUGH if asked else idea > 0
        score = covered + 0.5 * leant + 0.5 * idea
        if near is not None:
            close = near[place]
            score += close
            met = _MET * idea if question.ideas else 0.0
            together = covered + close + met >= _TOGETHER
            answers = answers and (together if asked else close >= _FAR)
            answers = answers or (close >= _CLOSE and not question.leans)
        scored.append(
            Scored(
                unit=unit,
                score=score,
                covered=covered,
                answers=answers and not dodged,
                whole=not asked and any(idea.whole for idea in question.ideas),
            )
        )
    return sorted(scored, key=lambda each: -each.score)


def answer(ranked: Sequence[Scored], found: Sequence[Unit], *, longest: int) -> list[Unit]:
    """The units to say: the best one and what belongs to it, at most two sentences."""
    best = next((each for each in ranked if each.answers), None)
    if best is None:
        return []
    after = [
        unit
        for unit in found
        if unit.source.id == best.unit.source.id and unit.index > best.unit.index
    ]
    if best.unit.text.endswith("?"):  # a list of questions and answers: the answer comes next
        chosen = []
        for unit in after[:2]:
            if unit.text.endswith("?"):
                break
            chosen.append(unit)
        return _fitting(chosen, longest)
    chosen = [best.unit]
    for each in ranked:
        unit = each.unit
        if unit is best.unit or not each.answers or unit.text.endswith("?"):
            continue
        together = unit.source.id == best.unit.source.id and unit.heading == best.unit.heading
        like = each.covered >= best.covered and each.score >= 0.75 * best.score
        if together and (best.whole or (like and _sentences_in(chosen) < 2)) and len(chosen) < 5:
            chosen.append(unit)
    return _fitting(sorted(chosen, key=lambda unit: unit.index), longest)


def say(chosen: Sequence[Unit]) -> str:
    """Chosen units as one would say them: items of a list become one sentence."""
    sentences: list[str] = []
    for listed, group in groupby(chosen, key=lambda unit: unit.listed):
        said = list(group)
        if listed:
            heading = f"{said[0].heading}: " if said[0].heading else ""
            items = "; ".join(unit.text.rstrip(".;,") for unit in said)
            sentences.append(_ended(heading + items))
        else:
            sentences += [_ended(unit.text) for unit in said]
    return " ".join(sentences)


def _sentences_in(chosen: Sequence[Unit]) -> int:
    """How many sentences `say` makes of them: a list is one."""
    return sum(not unit.listed for unit in chosen) + any(unit.listed for unit in chosen)


def _content(text: str, words: Words) -> tuple[tuple[str, ...], tuple[Idea, ...]]:
    folded = fold(text)
    ideas = tuple(idea for idea in words.ideas if idea.asked.search(folded))
    for idea in ideas:
        folded = idea.asked.sub(" ", folded)
    return tuple(dict.fromkeys(_stems(folded, words)))[:_MOST_TERMS], ideas


def _stems(text: str, words: Words) -> list[str]:
    return [
        stem(word, words)
        for word in _WORD.findall(fold(text))
        if word not in words.stop and (len(word) > 1 or word.isdigit())
    ]


def _weight(term: str, stems: Sequence[Sequence[str]]) -> float:
    """1 for a rare word, less for one that most units hold."""
    holding = sum(any(same(term, own) for own in each) for each in stems)
    return 1.0 - 0.6 * holding / max(1, len(stems))


def _hit(term: str, own: Sequence[str], context: Sequence[str], passage: Sequence[str]) -> float:
    if any(same(term, word) for word in own):
        return 1.0
    if any(same(term, word) for word in context):
        return _IN_CONTEXT
    if any(same(term, word) for word in passage):
        return _IN_PASSAGE
    return 0.0


def _share(hits: dict[str, float], weights: dict[str, float], terms: Sequence[str]) -> float:
    total = sum(weights[term] for term in terms)
    return sum(weights[term] * hits[term] for term in terms) / total if total else 0.0


def _ideas(question: Question, unit: Unit) -> tuple[float, bool]:
    """How much of the ideas a unit meets, and whether it dodges one that it must meet."""
    ideas = question.ideas or question.context_ideas
    if not ideas:
        return 0.0, False
    folded = fold(unit.text)
    met = [idea.answered.search(folded) is not None for idea in ideas]
    question_of_list = unit.text.endswith("?")
    dodged = not question_of_list and any(
        idea.strict and not good for idea, good in zip(ideas, met, strict=True)
    )
    return sum(met) / len(met), dodged


def _spoken(unit: Unit) -> str:
    about = unit.heading or unit.source.title
    return f"{about}: {unit.text}" if about else unit.text


def _fitting(chosen: Sequence[Unit], longest: int) -> list[Unit]:
    kept: list[Unit] = []
    for unit in chosen:
        if kept and sum(len(each.text) for each in kept) + len(unit.text) > longest:
            break
        kept.append(unit)
    return kept


def _ended(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", "…")) else text.rstrip(":;,") + "."


def _lines(text: str) -> list[tuple[str, str]]:
    """Blocks of a passage with their kind: heading, item or prose (wrapped lines joined)."""
    blocks: list[tuple[str, str]] = []
    prose: list[str] = []
    for raw in (*text.splitlines(), ""):
        line = raw.strip()
        marked = _marked(line)
        if marked is None and line and not _RULE.match(line):
            prose.append(_bare(line))
            continue
        blocks += _paragraph(prose)
        prose = []
        if marked is not None:
            blocks.append(marked)
    if blocks and blocks[-1][1] == "heading":  # over nothing, so it says something itself
        blocks[-1] = (blocks[-1][0], "prose")
    return blocks


def _marked(line: str) -> tuple[str, str] | None:
    """A line whose kind shows in how it is written."""
    if not line or _RULE.match(line):
        return None
    if _ROW.match(line):
        cells = [cell.strip() for cell in line.strip("| ").split("|") if cell.strip()]
        return _bare(", ".join([": ".join(cells[:2]), *cells[2:]])), "item"
    if _HEADING.match(line) or (line.endswith(":") and len(line) <= _SHORT):
        return _bare(_HEADING.sub("", line)), "heading"
    if _ITEM.match(line):
        return _bare(_ITEM.sub("", line)), "item"
    return None


def _paragraph(lines: list[str]) -> list[tuple[str, str]]:
    """Lines without marks: short ones that end in nothing are a heading or a list."""
    begins = [len(line) <= _SHORT and not line.endswith(_ENDS) for line in lines]
    capital = [not line[:1].islower() for line in lines]
    if len(lines) > 1 and all(begins) and all(capital):
        return [(line, "item") for line in lines]
    if lines and begins[0] and (len(lines) == 1 or capital[1]):
        return [(lines[0], "heading"), *_paragraph(lines[1:])]
    return [(" ".join(lines), "prose")] if lines else []


def _bare(text: str) -> str:
    return _MARKS.sub("", text).strip()


def _sentences(text: str) -> list[str]:
    pieces: list[str] = []
    for piece in _SENTENCE.split(text):
        if pieces and _goes_on(pieces[-1], piece):
            pieces[-1] = f"{pieces[-1]} {piece}"
        else:
            pieces.append(piece)
    return [piece.strip() for piece in pieces if piece.strip()]


def _goes_on(piece: str, following: str) -> bool:
    """Whether the full stop that a piece ends in is one of an abbreviation."""
    if _PERHAPS_AN_END.search(piece):
        return following[:1].islower()
    return _NEVER_AN_END.search(piece) is not None
