"""Who takes part in a course, from a table (CSV) that somebody keeps in a spreadsheet.

    person;role;name
    uchile:ana@uchile.cl;student;Ana Pérez

`person` is what the lists of a deployment file take; without `role` all are students. Commas or
semicolons, as spreadsheets write them; the columns' names and the roles may be Spanish.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from .institutions import Member

COLUMNS = {"person": "person", "persona": "person", "role": "role", "rol": "role"}
COLUMNS |= {"name": "name", "nombre": "name"}
LISTS = {"student": "students", "estudiante": "students"}
LISTS |= {"instructor": "instructors", "docente": "instructors"}
MEMBER = TypeAdapter(Member)


class RosterError(ValueError):
    """A roster cannot be used; the text says in which line, why and what is allowed."""


@dataclass(frozen=True)
class Row:
    """One line: a member of a deployment's list `students` or `instructors`."""

    person: str
    list: str
    name: str  # to show, "" if it is not there


def read(path: Path) -> list[Row]:
    """Return the rows of a roster; raises RosterError for a file that is none."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RosterError(f"cannot be read as UTF-8: {error}") from error
    table = csv.reader(lines, delimiter=";" if lines and ";" in lines[0] else ",", strict=True)
    columns: list[str] = []
    rows: dict[str, Row] = {}
    try:
        for cells in table:
            values = [cell.strip() for cell in cells]
            if not columns:
                columns = [COLUMNS.get(value.lower(), "") for value in values]
                if "" in columns or "person" not in columns or len(set(columns)) < len(columns):
                    raise RosterError("allowed: the columns person, role, name")
            elif any(values):
                if len(values) != len(columns):
                    raise RosterError(f"has {len(values)} cells; allowed: {len(columns)}")
                row = _row(dict(zip(columns, values, strict=True)))
                if rows.setdefault(row.person, row) != row:
                    raise RosterError(f"«{row.person}» is there twice, and not the same")
    except (RosterError, csv.Error) as error:
        raise RosterError(f"line {table.line_num}: {error}") from error
    if not columns:
        raise RosterError("line 1: is empty; allowed: the columns person, role, name")
    return list(rows.values())


def _row(values: dict[str, str]) -> Row:
    role = values.get("role", "").lower() or "student"
    if role not in LISTS:
        raise RosterError(f"role: «{role}»; allowed: {', '.join(LISTS)}")
    try:
        person = MEMBER.validate_python(values["person"])
    except ValidationError as error:
        allowed = "a login name, or <institution>:<identity>"
        raise RosterError(f"person: «{values['person'][:60]}»; allowed: {allowed}") from error
    return Row(person, LISTS[role], values.get("name", ""))
