"""`voice-ai legs`: the calls that are up, over all workers."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from redis.exceptions import RedisError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from esl_app.config import Settings
from esl_app.errors import ConfigError
from esl_app.quotas import LiveLeg, SharedQuotas
from esl_app.stores import redis_url

_TABLE_WIDTH = 120  # when nobody's terminal says how wide it is


def legs(
    context: typer.Context,
    domain: Annotated[
        str | None, typer.Option(help="Only of this domain.", metavar="DOMAIN")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, one call a line.")] = False,
) -> None:
    """Show the calls that are up, over all workers, oldest first.

    A worker that dies takes its calls off the list within ten seconds.
    """
    settings: Settings = context.obj
    url = redis_url(settings)
    if url is None:
        raise ConfigError("redis_url: not set, and no controller runs the embedded server here")
    with closing(SharedQuotas(url, worker="cli")) as shared:
        try:
            found = shared.legs()
        except RedisError as error:
            raise ConfigError(f"redis_url: Redis does not answer: {type(error).__name__}") from None
    found = [leg for leg in found if domain in {None, leg.domain}]
    if as_json:
        for leg in found:
            print(json.dumps(asdict(leg)))
        return
    Console(width=None if Console().is_terminal else _TABLE_WIDTH).print(_table(found))


def _table(legs: list[LiveLeg]) -> Table:
    now = datetime.now(UTC)
    table = Table("domain", "caller", "secretary", "since", "state", "worker", "leg", box=None)
    for leg in legs:
        seconds = round((now - datetime.fromisoformat(leg.since)).total_seconds())
        since = f"{seconds // 60}:{seconds % 60:02}"
        texts = (leg.domain, leg.caller, leg.secretary, since, leg.state, leg.worker, leg.leg_uuid)
        table.add_row(*(escape(text) for text in texts))
    table.caption = f"{len(legs)} call{'' if len(legs) == 1 else 's'}"
    return table
