"""One call's conversation: what drives the pure turn loop with ears, brain and mouth."""

from __future__ import annotations

from esl_app.conversation.brain import Brain, Retriever
from esl_app.conversation.converse import Conversation, Outcome
from esl_app.conversation.ears import Ears
from esl_app.conversation.mouth import Mouth, Spoken

__all__ = ["Brain", "Conversation", "Ears", "Mouth", "Outcome", "Retriever", "Spoken"]
