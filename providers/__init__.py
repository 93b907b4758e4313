"""Adapters to speech, language and embedding engines, behind four small contracts.

    from providers import Deadline, create

    stt = create("stt", "offline", {})
    heard = stt.transcribe(audio, language="en-US", deadline=Deadline.after(10))

Import the values and contracts from `providers.contracts`, the errors from `providers.errors`.
"""

from __future__ import annotations

from providers.deadline import Deadline
from providers.registry import create, names, warm_up

__all__ = ["Deadline", "create", "names", "warm_up"]
