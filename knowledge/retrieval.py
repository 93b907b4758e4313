"""From a question to the passages that may answer it.

Two rankings of the tenant's own passages, by meaning (vectors) and by words (full text), are fused
by rank. Meaning counts more: callers paraphrase. Words catch names and codes that no model knows.
"""

from __future__ import annotations

from uuid import UUID

from knowledge import fusion, store
from knowledge.fusion import Ranking
from knowledge.store import Found
from providers.contracts import Embedder, Source
from providers.deadline import Deadline
from tenants.db import Database

__all__ = ["Retriever", "order"]

_DENSE, _LEXICAL = 1.0, 0.5
_CANDIDATES = 20
# So many of the best by words are kept even where their meaning seems far away: a passage that
# shares the question's rarest word is worth a look, whatever the model thinks of it.
_KEPT_BY_WORDS = 1
# The server refuses a statement at its deadline; less than this is not worth asking.
_LEAST_S = 0.02
_MOST_S = 0.3


class Retriever:
    """Searches the documents of whichever tenant it is told.

    >>> retriever = Retriever(db, embedder)                                     # doctest: +SKIP
    >>> retriever.search(tenant, "open on Saturday?", 4, Deadline.after(1.0))    # doctest: +SKIP
    [Source(id='...', title='Opening hours', text='On Saturdays we ...', score=0.61), ...]
    """

    def __init__(self, db: Database, embedder: Embedder) -> None:
        self._db = db
        self._embedder = embedder

    def search(
        self,
        domain_uuid: UUID,
        question: str,
        limit: int,
        deadline: Deadline,
        *,
        voice_secretary_uuid: UUID | None = None,
    ) -> list[Source]:
        """The passages for a question, best first; `score` is the cosine to the question.

        Empty when the tenant has no documents or none comes near.

        Args:
            domain_uuid: The tenant; nobody else's passages are looked at.
            question: As the caller said it.
            limit: At most so many.
            deadline: For the embedding and the search together.
            voice_secretary_uuid: Leaves out what is meant for other secretaries.

        Raises:
            ProviderError: The embedder failed.
            DatabaseUnavailable: The database did not answer in time.
        """
        text = question.replace("\0", " ").strip()
        if not text or limit < 1:
            return []
        # Before a connection is taken: embedding is the slow half.
        (vector,) = self._embedder.embed([text], kind="query", deadline=deadline)
        statement_s = max(_LEAST_S, min(_MOST_S, deadline.remaining_s))
        with self._db.tenant(domain_uuid, statement_s=statement_s) as cursor:
            found = store.search(
                cursor,
                domain_uuid,
                question=text,
                embedding=vector,
                model=self._embedder.model,
                candidates=max(_CANDIDATES, limit),
                voice_secretary_uuid=voice_secretary_uuid,
            )
        return [
            Source(
                id=str(hit.passage_uuid),
                title=f"{hit.document_name} › {hit.title}",
                text=hit.text,
                score=hit.cosine,
            )
            for hit in order(found, floor=self._embedder.capabilities.floor)[:limit]
        ]


def order(found: list[Found], *, floor: float) -> list[Found]:
    """What a search came upon, best first, without what says nothing about the question."""
    hits = {
        hit.passage_uuid: hit
        for hit in found
        if hit.cosine >= floor or (hit.lexical_place or _KEPT_BY_WORDS + 1) <= _KEPT_BY_WORDS
    }
    by_meaning = sorted(
        (h for h in hits.values() if h.dense_place), key=lambda h: h.dense_place or 0
    )
    by_words = sorted(
        (h for h in hits.values() if h.lexical_place), key=lambda h: h.lexical_place or 0
    )
    ranked = fusion.fuse(
        [
            Ranking(items=[h.passage_uuid for h in by_meaning], weight=_DENSE),
            Ranking(items=[h.passage_uuid for h in by_words], weight=_LEXICAL),
        ]
    )
    return [hits[passage_uuid] for passage_uuid in ranked]
