"""Run the PDF reader apart from us: a hostile file may cost it its life, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from knowledge.extract.blocks import Block

_WALL_S = 25.0
_ROOT = Path(__file__).parents[2]


class SandboxError(Exception):
    """The reader rejected the file, or died of it; the message says which."""


def read_pdf(data: bytes, *, within_s: float) -> tuple[list[Block], int]:
    """The blocks of a PDF and its number of pages.

    Raises:
        SandboxError: Rejected, or the process did not survive it.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "knowledge.extract.pdf_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=_environment(),
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(data, timeout=min(within_s, _WALL_S))
    except subprocess.TimeoutExpired:
        raise SandboxError("takes too long to read") from None
    except BrokenPipeError:
        raise SandboxError("the reader died of it") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
    try:
        answer = json.loads(output)
    except ValueError:
        raise SandboxError("needs too much time or memory to read") from None
    if "rejected" in answer:
        raise SandboxError(str(answer["rejected"]))
    blocks = [
        Block(titles=tuple(b["titles"]), anchor=b["anchor"], text=b["text"])
        for b in answer["blocks"]
    ]
    return blocks, int(answer["pages"])


def _environment() -> dict[str, str]:
    """Where our modules are, and nothing else of our environment: it may hold keys."""
    found = {
        "PYTHONPATH": os.pathsep.join(path for path in (str(_ROOT), *sys.path) if path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return found | {k: v for k, v in os.environ.items() if k in ("PATH", "LD_LIBRARY_PATH")}
