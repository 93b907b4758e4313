"""The process that opens a PDF: bytes on standard input, JSON on standard output, nothing else.

Started by `knowledge.extract.sandbox` with `python -m`. The limits are set before the first byte is
looked at: 20 s of CPU, 512 MiB, no file can be written. No process can be started either, unless we
run as root, whom RLIMIT_NPROC does not bind (setrlimit(2)): the systemd unit runs us as nobody in
particular.
"""

from __future__ import annotations

import json
import resource
import sys

from knowledge.extract import pdf

_CPU_S = 20
_MEMORY = 512 * 1024 * 1024


def main() -> None:
    data = sys.stdin.buffer.read()
    for what, limit in (
        (resource.RLIMIT_CPU, _CPU_S),
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 16),  # pypdf imports codecs when a file first needs them
    ):
        resource.setrlimit(what, (limit, limit))
    answer: dict[str, object]
    try:
        found, pages = pdf.blocks(data)
    except pdf.Unreadable as error:
        answer = {"rejected": str(error)}
    else:
        answer = {
            "pages": pages,
            "blocks": [{"titles": b.titles, "anchor": b.anchor, "text": b.text} for b in found],
        }
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
