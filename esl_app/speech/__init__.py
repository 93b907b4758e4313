"""Text on its way to a voice: cut into sentences as it comes, and put into words."""

from __future__ import annotations

from esl_app.speech.clean import clean
from esl_app.speech.splitter import Splitter, sentences
from esl_app.speech.spoken import spoken

__all__ = ["Splitter", "clean", "sentences", "spoken"]
