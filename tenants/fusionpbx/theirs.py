"""From rows of FusionPBX to forms of ours (`tenants.forms`), with what is not the same noted.

Nothing is judged here: the models do that when the forms become rows (`tenants.fusionpbx.carry`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID, uuid5

from tenants.forms import Form
from tenants.fusionpbx import columns
from tenants.fusionpbx.findings import Findings
from tenants.fusionpbx.source import Source, SourceRow
from tenants.kinds import (
    DESTINATION,
    DOMAIN,
    HOURS,
    POLICY,
    PROVIDER,
    QUOTA,
    RULE,
    SECRETARY,
    Kind,
    references,
)
from tenants.numbers import canonical
from tenants.opening_text import DAYS
from tenants.secrets import MASK, looks_secret

_LONG_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CHOICES: Final = ("stt", "tts", "llm", "embeddings", "realtime")


class Vendors(Protocol):
    """What is known here of vendors' adapters."""

    def fields(self, provider_type: str, provider_name: str) -> frozenset[str] | None:
        """The fields of its configuration; None when there is no such adapter."""
        ...


@dataclass(frozen=True, slots=True)
class Theirs:
    """A row to be carried over."""

    kind: Kind
    identity: UUID | None
    form: Form
    table: str
    row: str


def forms(
    source: Source, domain: SourceRow, *, country: str | None, vendors: Vendors, findings: Findings
) -> list[Theirs]:
    """Everything of one domain, in an order in which rows can refer to earlier ones."""
    uuid = str(domain["domain_uuid"])
    zone = _time_zone(source, uuid)
    settings = _settings(source, uuid, findings)
    tenant: Form = {
        "domain_name": str(domain.get("domain_name") or "").strip().lower(),
        "domain_description": domain.get("domain_description") or "",
        "is_enabled": _first(domain, "domain_enabled", default=True),
    }
    if zone:
        tenant["time_zone"] = zone
    if country:
        tenant["country"] = country
    found = [_theirs(DOMAIN, domain, tenant, "v_domains")]
    providers = [
        _provider(row, vendors, findings) for row in source.of("v_voice_ai_providers", uuid)
    ]
    titles = {str(one.identity): one.form.get("provider_name") for one in providers}
    secretaries = _secretaries(source.of("v_voice_secretaries", uuid), titles, settings, findings)
    names = {str(one.identity): one.row for one in secretaries}
    hours: list[Theirs] = []
    destinations = [
        _destination(row, names, country, zone or "UTC", hours, findings)
        for row in source.of("v_voice_transfer_destinations", uuid)
    ]
    mine = {str(row.get("voice_secretary_uuid")) for row in source.of("v_voice_secretaries", uuid)}
    rules = [
        row
        for row in source.rows["v_voice_transfer_rules"]
        if str(row.get("domain_uuid")) == uuid or str(row.get("voice_secretary_uuid")) in mine
    ]
    led = [one for row in rules if (one := _rule(row, names, destinations, findings))]
    found += [*providers, *hours, *secretaries, *destinations, *led]
    for kind, form in ((POLICY, settings.policy), (QUOTA, settings.quota)):
        if form:
            found.append(Theirs(kind, None, form, "v_voice_secretary_settings", ""))
    for table in source.others:
        findings.left_out(table, "", "", "not read: what happened there stays there")
    return found


def _theirs(kind: Kind, row: SourceRow, form: Form, table: str, *ids: str) -> Theirs:
    title = "/".join(str(form.get(name, "")) for name in kind.names if name != kind.identity)
    names = ids or ((kind.identity,) if kind.identity else ())
    identity = next((i for name in names if (i := _uuid(row.get(name))) is not None), None)
    return Theirs(kind, identity, form, table, title or str(form.get("domain_name", identity)))


def _provider(row: SourceRow, vendors: Vendors, findings: Findings) -> Theirs:
    table = "v_voice_ai_providers"
    kind = str(row.get("provider_type") or "").strip().lower()
    name = str(row.get("provider_name") or "").strip().lower()
    title = f"{kind}/{name}"
    form = _same_columns(PROVIDER, row, table, title, findings)
    form |= {"provider_type": kind, "provider_name": name}
    config = _json(row.get("config"))
    if config is not None and not isinstance(config, dict):
        findings.left_out(table, title, "config", "no mapping")
    config = dict(config) if isinstance(config, dict) else {}
    known = vendors.fields(kind, name)
    if known is None:
        findings.changed(
            table, title, "is_enabled", "no adapter of this name is installed: kept, switched off"
        )
        form["is_enabled"] = False
    else:
        config = _config(config, known, table, title, findings)
    return _theirs(PROVIDER, row, form | {"config": config}, table)


def _config(
    config: Mapping[str, Any], known: frozenset[str], table: str, title: str, findings: Findings
) -> Form:
    kept: Form = {}
    for name, value in config.items():
        target = name if name in known else columns.CONFIG_RENAMED.get(name, name)
        if value is None or value == "":
            continue
        if target not in known or (target != name and target in config):
            shown = MASK if looks_secret(name) else json.dumps(value, ensure_ascii=False)
            findings.left_out(
                table, title, f"config.{name}", "the adapter has no such field", shown
            )
            continue
        if target != name:
            findings.changed(table, title, f"config.{name}", f"is {target} here")
        kept[target] = value
    return kept


@dataclass(frozen=True, slots=True)
class _Settings:
    policy: Form
    quota: Form
    secretary: Form


def _settings(source: Source, uuid: str, findings: Findings) -> _Settings:
    """The key/value settings of a domain, by where they belong here."""
    table = "v_voice_secretary_settings"
    found = _Settings({}, {}, {})
    for row in source.of(table, uuid):
        name = str(
            _first(
                row,
                "setting_name",
                "setting_key",
                "name",
                "key",
                "voice_secretary_setting_name",
                default="",
            )
        ).lower()
        value = _first(row, "setting_value", "value", "voice_secretary_setting_value", default=None)
        if not name or value in (None, ""):
            continue
        match name:
            case "max_concurrent_calls":
                found.quota["concurrent_legs"] = value
            case "recording_enabled":
                found.policy["recording_enabled"] = value
            case "data_retention_days":
                for kind in ("audio", "transcript", "caller_memory"):
                    found.policy[f"retention_{kind}_days"] = value
            case (
                "callback_expiration_hours"
                | "callback_max_notifications"
                | "callback_min_interval_minutes"
            ):
                found.secretary[name] = value
            case "transfer_timeout" | "transfer_default_timeout":
                found.secretary["transfer_default_timeout"] = value
            case _:
                reason = columns.SETTINGS_LEFT_OUT.get(name, "no such setting here")
                findings.left_out(table, "", name, reason, MASK if looks_secret(name) else value)
    return found


def _secretaries(
    rows: Sequence[SourceRow],
    providers: Mapping[str, object],
    settings: _Settings,
    findings: Findings,
) -> list[Theirs]:
    table = "v_voice_secretaries"
    found = []
    for row in sorted(rows, key=lambda r: str(r.get("insert_date") or "")):
        name = str(row.get("secretary_name") or "").strip()
        title = name or str(row.get("voice_secretary_uuid"))
        form = {**settings.secretary, **_same_columns(SECRETARY, row, table, title, findings)}
        form["secretary_name"] = name
        for kind in _CHOICES:
            chosen = row.get(f"{kind}_provider_uuid")
            if chosen is None:
                continue
            if (provider := providers.get(str(chosen))) is None:
                findings.left_out(
                    table, title, f"{kind}_provider_uuid", "leads to no provider of the domain"
                )
            else:
                form[f"{kind}_provider"] = provider
        if form.get("processing_mode") == "realtime":
            findings.changed(
                table, title, "processing_mode", "realtime is not served here yet: turn_based"
            )
            form["processing_mode"] = "turn_based"
        found.append(_theirs(SECRETARY, row, form, table))
    enabled = [
        one for one in found if str(one.form.get("is_enabled", True)).lower() in ("true", "t", "1")
    ]
    if enabled and not any(one.form.get("is_default") for one in found):
        enabled[0].form["is_default"] = True
        if len(found) > 1:
            findings.changed(
                table,
                enabled[0].row,
                "is_default",
                "the oldest one answered there, so it is the default",
            )
    return found


def _destination(
    row: SourceRow,
    secretaries: Mapping[str, str],
    country: str | None,
    zone: str,
    hours: list[Theirs],
    findings: Findings,
) -> Theirs:
    table = "v_voice_transfer_destinations"
    name = str(row.get("name") or "").strip()
    title = name or str(row.get("transfer_destination_uuid"))
    form = _same_columns(
        DESTINATION, row, table, title, findings, "working_hours", "secretary_uuid"
    )
    form["name"] = name
    if isinstance(aliases := _json(row.get("aliases")), list):
        form["aliases"] = list(
            dict.fromkeys(
                " ".join(str(alias).lower().split()) for alias in aliases if str(alias).strip()
            )
        )
    if "destination_number" in form:
        form["destination_number"] = _number(
            str(form["destination_number"]),
            external=form.get("destination_type") == "external",
            country=country,
        )
    _of_secretary(row, form, secretaries, table, title, findings)
    one = _theirs(DESTINATION, row, form, table)
    if (working := _json(row.get("working_hours"))) not in (None, {}, []):
        made = _working_hours(working, title, zone)
        if made is None or one.identity is None:
            findings.left_out(
                table,
                title,
                "working_hours",
                columns.LEFT_OUT["working_hours"],
                json.dumps(working),
            )
        else:
            hours.append(
                Theirs(HOURS, uuid5(one.identity, "hours"), made, table, f"hours of {title}")
            )
            form["hours"] = title
    return one


def _rule(
    row: SourceRow, secretaries: Mapping[str, str], destinations: list[Theirs], findings: Findings
) -> Theirs | None:
    """A rule, unless it matches nothing.

    The destination that it leads to is added where there is none of that number.
    """
    table = "v_voice_transfer_rules"
    number = _number(str(row.get("transfer_extension") or ""), external=False, country=None)
    department = str(row.get("department_name") or "").strip()
    title = f"{department or number}"
    form = _same_columns(RULE, row, table, title, findings, "transfer_extension", "department_name")
    for name in ("intent_keywords", "intent_patterns"):
        if name in form:
            form[name] = _words(form[name])
    if not form.get("intent_keywords") and row.get("keywords") is not None:
        form["intent_keywords"] = _words(_json(row["keywords"]))
    _of_secretary(row, form, secretaries, table, title, findings)
    one = Theirs(RULE, _uuid(row.get("transfer_rule_uuid")), form, table, title)
    there = next((d for d in destinations if d.form.get("destination_number") == number), None)
    if not form.get("intent_keywords") and not form.get("intent_patterns"):
        findings.left_out(table, title, "", "neither keywords nor patterns")
        return None
    if there is None and one.identity is not None:
        taken = {d.form.get("name") for d in destinations}
        name = department or f"Extension {number}"
        name = f"{name} {number}" if name in taken else name
        new: Form = {"name": name, "destination_type": "extension", "destination_number": number}
        there = Theirs(DESTINATION, uuid5(one.identity, "destination"), new, table, name)
        destinations.append(there)
    if there is not None:
        form["destination"] = there.form["name"]
    return one


def _of_secretary(
    row: SourceRow,
    form: Form,
    secretaries: Mapping[str, str],
    table: str,
    title: str,
    findings: Findings,
) -> None:
    uuid = _first(row, "voice_secretary_uuid", "secretary_uuid", default=None)
    if uuid is None:
        return
    if (name := secretaries.get(str(uuid))) is None:
        findings.left_out(table, title, "secretary_uuid", "leads to no secretary of the domain")
    else:
        form["secretary"] = name


def _same_columns(
    kind: Kind, row: SourceRow, table: str, title: str, findings: Findings, *handled: str
) -> Form:
    """The columns that have the same name and meaning here; the others with their reasons."""
    fields = kind.model.model_fields
    refer = {*references(kind), *(f"{k}_provider_uuid" for k in _CHOICES), kind.identity}
    form: Form = {}
    for name, value in row.items():
        target = columns.RENAMED.get(name, name)
        if value is None or name in columns.SILENT or name in refer or name in handled:
            continue
        if target != name and row.get(target) is not None:
            continue
        if target not in fields:
            reason = columns.LEFT_OUT.get(name, "no such field here")
            if value not in ("", [], {}):
                shown = MASK if looks_secret(name) else _shown(value)
                findings.left_out(table, title, name, reason, shown)
            continue
        holds = str(fields[target].annotation)
        if value == "" and holds != "<class 'str'>":
            continue
        if "tuple" in holds or "dict" in holds:
            value = _json(value)  # noqa: PLW2901 - the same, read
        form[target] = value
    return form


def _working_hours(value: Any, name: str, zone: str) -> Form | None:
    """Hours of a shape we know: days with their spans, or one span for some days."""
    if not isinstance(value, Mapping):
        return None
    form: Form = {"name": name, "time_zone": _first(value, "timezone", "time_zone", default=zone)}
    if "start" in value and "end" in value:
        numbers = value.get("days", [1, 2, 3, 4, 5])
        if not isinstance(numbers, list) or not all(
            isinstance(n, int) and 0 <= n <= 7 for n in numbers
        ):
            return None
        # 1 is Monday by either way of counting; Sunday is 0 or 7.
        days = sorted({(number - 1) % 7 for number in numbers})
        return form | {"slots": [f"{DAYS[day]} {value['start']}-{value['end']}" for day in days]}
    lines = []
    for key, part in value.items():
        day = next(
            (n for n, long in enumerate(_LONG_DAYS) if str(key).lower() in (long, DAYS[n])), None
        )
        if day is None:
            if key in ("timezone", "time_zone"):
                continue
            return None
        spans = _spans(part)
        if spans is None:
            return None
        if spans:
            lines.append(f"{DAYS[day]} {' '.join(spans)}")
    return form | {"slots": lines}


def _spans(value: Any) -> list[str] | None:
    if value in (None, False, [], {}, "closed"):
        return []
    if isinstance(value, str):
        return value.split()
    if isinstance(value, Mapping):
        if _first(value, "enabled", "is_open", "open_day", default=True) is False:
            return []
        begin, end = (
            _first(value, *names, default=None) for names in (("start", "open"), ("end", "close"))
        )
        return [f"{begin}-{end}"] if isinstance(begin, str) and isinstance(end, str) else None
    if isinstance(value, list):
        parts = [_spans(part) for part in value]
        return None if None in parts else [span for part in parts for span in part or ()]
    return None


def _time_zone(source: Source, uuid: str) -> str | None:
    """The domain's time zone, else the system's; FusionPBX keeps both as settings."""
    for table, prefix, rows in (
        ("v_domain_settings", "domain", source.of("v_domain_settings", uuid)),
        ("v_default_settings", "default", source.rows["v_default_settings"]),
    ):
        del table
        for row in rows:
            enabled = str(row.get(f"{prefix}_setting_enabled", "true")).lower()
            value = row.get(f"{prefix}_setting_value")
            if (
                row.get(f"{prefix}_setting_subcategory") == "time_zone"
                and enabled == "true"
                and value
            ):
                return str(value)
    return None


def _number(text: str, *, external: bool, country: str | None) -> str:
    """A number without its punctuation; an external one as E.164 where the country is known."""
    text = text.strip()
    if re.fullmatch(r"\+?[0-9*#\s().\-/]+", text):
        text = re.sub(r"[\s().\-/]+", "", text)
    if external and country and text.isdigit():
        full = canonical(text, country)
        return f"+{full}" if full != text or text.startswith("00") else text
    return f"+{text[2:]}" if external and text.startswith("00") else text


def _words(value: object) -> object:
    """Words as a list, from a list, JSON or a text with commas."""
    value = _json(value)
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    if isinstance(value, list):
        return [str(word).strip() for word in value if word is not None and str(word).strip()]
    return value


def _json(value: object) -> Any:
    """A value that may be JSON in a text column."""
    if isinstance(value, str) and value.strip().startswith(("{", "[")):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _first(row: Mapping[str, Any], *names: str, default: Any) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), default)


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def documents(rows: Iterable[SourceRow]) -> list[tuple[str, str]]:
    """The documents there are: name and where the file was."""
    return [(str(row.get("document_name") or ""), str(row.get("file_path") or "")) for row in rows]
