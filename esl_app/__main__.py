"""The console script `voice-ai`. Patching comes before everything else."""

from __future__ import annotations

import esl_app.patched  # noqa: F401  isort: skip - importing it is what does it

from esl_app.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
