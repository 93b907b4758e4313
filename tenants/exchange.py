"""A whole tenant as a file that people read and change: YAML, names instead of ids, no keys.

The file is the whole: importing it makes the tenant's rows what the file says, and rows it does not
name are removed. Documents, conversations and what callers left are not in it. Keys of vendors are
left out (`***`: the one the tenant has) or named (`${NAME}`: that environment variable).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from tenants.errors import InvalidRow
from tenants.fields import Row
from tenants.forms import Form, country_of, form_of, row_of
from tenants.kinds import KINDS, NUMBER, PROVIDER, RULE, Kind, TenantRows
from tenants.models import ProviderRow
from tenants.numbers import canonical
from tenants.secrets import MASK, Secret
from tenants.vault import Vault
from tenants.yaml_text import Path, YamlError, dump, load, typed

HEADER: Final = "voice_ai_tenant"
VERSION: Final = 1
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECTIONS: Final[Mapping[str, Kind]] = {kind.section: kind for kind in KINDS.values()}


def export(rows: TenantRows) -> str:
    """The file of a tenant."""
    document: dict[str, Any] = {HEADER: VERSION}
    for name, kind in KINDS.items():
        forms = [_written(kind, row, rows) for row in rows[name]]
        if kind is RULE:  # their ids, which order them, are not in the file
            forms.sort(key=lambda form: (form.get("priority", 0), dump(form)))
        if kind.single and forms and forms[0]:
            document[kind.section] = forms[0]
        elif forms and not kind.single:
            document[kind.section] = forms
    return dump(document)


class TenantFile:
    """A file that was read, and what it says.

    Args:
        text: the file's text.
        name: what messages call it.

    Raises:
        InvalidRow: not such a file; names the line.
    """

    def __init__(self, text: str, name: str) -> None:
        self._name = name
        self._where: dict[str, Path] = {}
        try:
            self._parsed = load(text)
        except YamlError as error:
            raise InvalidRow(f"{name}:{error}") from None
        document = self._parsed.value
        if not isinstance(document, dict) or typed(document.get(HEADER)) != VERSION:
            raise self._wrong((HEADER,), f"no tenant: a tenant's file has `{HEADER}: {VERSION}`")
        for section in document:
            if section != HEADER and section not in _SECTIONS:
                known = ", ".join(_SECTIONS)
                raise self._wrong((section,), f"{section}: no such section (sections: {known})")
        self._document: dict[str, Any] = document

    @property
    def domain_name(self) -> str:
        """Whose file it is.

        Raises:
            InvalidRow: it does not say.
        """
        tenant = self._document.get("tenant")
        name = tenant.get("domain_name") if isinstance(tenant, dict) else None
        if not isinstance(name, str):
            raise self._wrong(("tenant",), "tenant.domain_name: missing, or no text")
        return str(name)

    def rows(
        self,
        before: TenantRows,
        *,
        domain_name: str,
        vault: Vault,
        environment: Mapping[str, str],
        domain_uuid: Any,
    ) -> TenantRows:
        """The rows that the tenant shall have.

        Args:
            before: those it has: ids, and the keys that are left out, are taken from there.
            domain_name: what it shall be called.
            vault: knows which fields are secret.
            environment: where named keys are.
            domain_uuid: the tenant's id.

        Raises:
            InvalidRow: names file, line, row, field and rule.
        """
        rows: TenantRows = {name: [] for name in KINDS}
        for name, kind in KINDS.items():
            for path, form in self._forms(kind):
                what = kind.section if kind.single else f"{kind.section}[{int(path[-1]) + 1}]"
                if name == "tenant":
                    form["domain_name"] = domain_name
                try:
                    if kind is PROVIDER:
                        form["config"] = _with_keys(form, before, vault, environment, what)
                    row = row_of(kind, form, what, rows)
                except InvalidRow as error:
                    raise self._of_row(str(error), what, path) from None
                row = _same(kind, row, before, domain_uuid)
                self._where.setdefault(f"{kind.name} {kind.title(row)}".strip(), path)
                rows[name].append(row)
        return rows

    def located(self, error: InvalidRow) -> InvalidRow:
        """The same error with file and line, where it is about a row of this file."""
        message = str(error)
        for what in sorted(self._where, key=len, reverse=True):
            if message.startswith(f"{what}: "):
                return self._of_row(message, what, self._where[what])
        return InvalidRow(f"{self._name}: {message}")

    def _forms(self, kind: Kind) -> list[tuple[Path, Form]]:
        """The forms of a section, each with its path."""
        value = self._document.get(kind.section)
        if value is None:
            return [((kind.section,), {})] if kind.single else []
        if kind.single:
            return [((kind.section,), self._form(kind, value, (kind.section,)))]
        if not isinstance(value, list):
            raise self._wrong((kind.section,), f"{kind.section}: not a list")
        return [
            ((kind.section, n), self._form(kind, entry, (kind.section, n)))
            for n, entry in enumerate(value)
        ]

    def _form(self, kind: Kind, value: Any, path: Path) -> Form:
        if not isinstance(value, dict):
            raise self._wrong(path, f"{kind.section}: an entry that has no fields")
        return {
            name: typed(part)
            if name in kind.model.model_fields
            and "dict" in str(kind.model.model_fields[name].annotation)
            else _texts(part)
            for name, part in value.items()
        }

    def _of_row(self, message: str, what: str, path: Path) -> InvalidRow:
        rest = message.removeprefix(what)
        inner: Path = path
        for part in re.split(r"[.:]", rest.removeprefix(": ").partition(": ")[0]):
            if (*inner, part) in self._parsed.lines:
                inner = (*inner, part)
        return self._wrong(inner, f"{what}{rest}")

    def _wrong(self, path: Path, message: str) -> InvalidRow:
        return InvalidRow(f"{self._name}:{self._parsed.line(path)}: {message}")


def _written(kind: Kind, row: Row, rows: TenantRows) -> Form:
    """A row's form in types that YAML has."""
    form = {name: _simple(value) for name, value in form_of(kind, row, rows).items()}
    if kind is NUMBER:
        number = form["destination_number"]
        if canonical(number, country_of(rows)) != number:
            # One from abroad, which without its plus would read as one of the country.
            form["destination_number"] = f"+{number}"
    return form


def _simple(value: Any) -> Any:
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, Mapping):
        return {str(name): _simple(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_simple(part) for part in value]
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value()
        return int(value) if whole else _exact(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _exact(value: Decimal) -> float | str:
    """A float where that says it exactly."""
    return float(value) if Decimal(repr(float(value))) == value else str(value)


def _texts(value: Any) -> Any:
    """A value for a field of a row: the model says which texts are numbers."""
    if isinstance(value, dict):
        return {str(name): _texts(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_texts(part) for part in value]
    return None if value is None else str(value)


def _with_keys(
    form: Form, before: TenantRows, vault: Vault, environment: Mapping[str, str], what: str
) -> Any:
    """A provider's configuration with the keys that the file leaves out or names."""
    config = form.get("config", {})
    kind, name = str(form.get("provider_type")), str(form.get("provider_name"))
    if not isinstance(config, dict):
        return config
    there = {
        PROVIDER.title(row): row.config
        for row in before["provider"]
        if isinstance(row, ProviderRow)
    }
    found = dict(config)
    for field, value in vault.concealed(kind, name, config).items():
        if not isinstance(value, Secret):
            continue
        text = value.reveal()
        kept = there.get(f"{kind}/{name}", {}).get(field)
        if text == MASK:
            if kept is None:
                raise InvalidRow(
                    f"{what}: config.{field}: left out, and this tenant has none yet; "
                    "write ${NAME} and put the key into that environment variable"
                )
            found[field] = kept
        elif (variable := _VARIABLE.fullmatch(text)) is None:
            raise InvalidRow(f"{what}: config.{field}: a key in clear; write ${{NAME}} instead")
        elif not environment.get(variable[1], "").strip():
            raise InvalidRow(f"{what}: config.{field}: {variable[1]} is not set")
        else:
            found[field] = Secret(environment[variable[1]].strip())
    return found


def _same(kind: Kind, row: Row, before: TenantRows, domain_uuid: Any) -> Row:
    """The row with the id of the one it stands for, which has its name."""
    if kind.identity is None:
        return row
    if kind.name == "tenant":
        return row.model_copy(update={kind.identity: domain_uuid})
    for other in before[kind.name]:
        if _likeness(kind, other) == _likeness(kind, row):
            return row.model_copy(update={kind.identity: getattr(other, kind.identity)})
    return row


def _likeness(kind: Kind, row: Row) -> object:
    """What makes two rows the same one; rules, which have no name, say the same words."""
    if kind is not RULE:
        return kind.title(row)
    names = (
        "transfer_destination_uuid",
        "voice_secretary_uuid",
        "intent_keywords",
        "intent_patterns",
    )
    return tuple(getattr(row, name) for name in names)
