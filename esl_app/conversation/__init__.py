"""One call's conversation: what drives the pure turn loop with ears, brain and mouth."""

from __future__ import annotations

from esl_app.conversation.ask import Asker, Reply
from esl_app.conversation.brain import Brain, Retriever
from esl_app.conversation.converse import Conversation, Outcome
from esl_app.conversation.ears import Ears
from esl_app.conversation.mouth import Mouth
from esl_app.conversation.speculation import Budget
from esl_app.conversation.speech import Speech, Spoken

__all__ = [
    "Asker",
    "Brain",
    "Budget",
    "Conversation",
    "Ears",
    "Mouth",
    "Outcome",
    "Reply",
    "Retriever",
    "Speech",
    "Spoken",
]
