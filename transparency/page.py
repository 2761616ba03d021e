"""The published figures as a page in each language, as CSV and as JSON: files for any web server.

CSV and JSON have every month; the page has the last twelve, and their sum for each row.
"""

import csv
import io
import json
import shutil
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import jinja2
from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from hub_config.pages.languages import N_, catalog, localized, name
from translation.languages import locale

from .privacy import OTHER, PEOPLE
from .settings import Settings

HERE = Path(__file__).parent
STYLES = (
    HERE.parent / "hub_config" / "pages" / "static" / "minga.css",
    HERE / "static" / "use.css",
)
LOGO = HERE.parent / "hub_config" / "pages" / "static" / "logo.svg"
MONTHS = 12  # on the page
NONE = "(none)"  # people of no known institution

# The columns of CSV and JSON, and what is in them.
COLUMNS = {
    "month": "UTC month, YYYY-MM, in which sessions ended or work was graded",
    "dimension": "what the row is one of: total, country, institution, course, site",
    "country": f"ISO 3166-1 code; {NONE}: people of no known institution; {OTHER}: several merged",
    "name": f"of the institution, course or site; {OTHER}: several that are too small were merged",
    "people_at_least": "people with a session, rounded down to a multiple of 5",
    "sessions": "sessions that ended",
    "gpu_hours": "GPUs of a session times its hours, summed; in hours",
    "graded": "submissions that were given back with feedback for the first time",
    "energy_kwh": "estimate in kilowatt-hours: gpu_hours x kwh_of_gpu_hour",
    "wait_median_minutes": "median time between asking for a session and its start; in minutes",
    "wait_p90_minutes": "90th percentile of the same; in minutes",
}


def records(settings: Settings, months: Iterable[tuple[str, list[dict]]]) -> list[dict]:
    """Return all rows with COLUMNS; None is what is not published, or has no meaning there."""
    found = []
    for month, figures in months:
        for row in figures:
            found.append({"month": month, **row, "energy_kwh": _energy(settings, row)})
    return [{name: row.get(name) for name in COLUMNS} | _names(row) for row in found]


def _names(row: dict) -> dict:
    """Return country and name as they are written in files."""
    names = {"country": row["country"], "name": row["name"]}
    if row["dimension"] in ("country", "institution"):
        names["country"] = row["country"] or NONE
    if row["dimension"] == "institution":
        names["name"] = row["name"] or NONE
    return names


def _energy(settings: Settings, row: dict) -> float | None:
    hours, factor = row.get("gpu_hours"), settings.kwh_of_gpu_hour
    return None if hours is None or factor is None else round(hours * factor, 1)


def as_csv(rows: list[dict]) -> str:
    """Return the rows as CSV (RFC 4180), an empty field for None."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_json(settings: Settings, rows: list[dict]) -> str:
    """Return the rows as JSON with what its columns mean; null for None."""
    about = {
        "columns": COLUMNS,
        "people_per_figure_at_least": PEOPLE,
        "kwh_of_gpu_hour": settings.kwh_of_gpu_hour,
        "gpu_watts": settings.gpu_watts,
        "pue": settings.pue,
    }
    return json.dumps({**about, "rows": rows}, ensure_ascii=False, indent=1) + "\n"


def sums(rows: Iterable[dict], dimension: str) -> list[dict]:
    """Return one row for each name of a dimension: its figures over all months, largest first.

    A month in which a figure is not published adds nothing to it.
    """
    found: dict[tuple, dict] = defaultdict(
        lambda: {"sessions": 0, "gpu_hours": 0.0, "graded": 0, "energy_kwh": 0.0}
    )
    for row in rows:
        if row["dimension"] == dimension:
            total = found[row["country"], row["name"]]
            for figure in total:
                total[figure] += row[figure] or 0
    named = [
        {"country": country, "name": name, **total} for (country, name), total in found.items()
    ]
    return sorted(named, key=lambda r: (_is_other(r), -r["gpu_hours"], -r["sessions"], r["name"]))


def _is_other(row: dict) -> bool:
    return OTHER in (row["country"], row["name"]) or row["country"] == NONE


def write(settings: Settings, months: list[tuple[str, list[dict]]]) -> None:
    """Write page, CSV and JSON into `settings.site`, each file whole or not at all."""
    site = settings.site
    rows = records(settings, months)
    for path in (*STYLES, LOGO):
        _replace(site / path.name, path.read_text(encoding="utf-8"))
    _replace(site / "use.csv", as_csv(rows))
    _replace(site / "use.json", as_json(settings, rows))
    shown = [month for month, _ in months][-MONTHS:]
    for language in settings.languages:
        page = Page(settings, language).render(rows, shown)
        _replace(site / language / "index.html", page)


def _replace(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.draft")
    draft.write_text(text, encoding="utf-8")
    shutil.move(draft, target)


class Page:
    """The page in one language."""

    def __init__(self, settings: Settings, language: str):
        self.settings, self.language = settings, language
        self.locale = Locale.parse(locale(language))
        self.gettext = catalog(language).gettext
        loader = jinja2.FileSystemLoader(HERE / "templates")
        self.jinja = jinja2.Environment(
            loader=loader, autoescape=True, extensions=["jinja2.ext.i18n"]
        )
        self.jinja.install_gettext_translations(catalog(language), newstyle=True)
        self.jinja.policies["ext.i18n.trimmed"] = True
        self.jinja.filters.update(number=self._number, month=self._month, kilo=self._kilo)

    def render(self, rows: list[dict], months: list[str]) -> str:
        """Return the page of some months, one after the other; `rows` are all records."""
        rows = [row for row in rows if row["month"] in months]
        tables = {
            dimension: [
                {**row, "title": self._title(dimension, row)} for row in sums(rows, dimension)
            ]
            for dimension in ("country", "institution", "course")
        }
        totals = {row["month"]: row for row in rows if row["dimension"] == "total"}
        unpublished = dict.fromkeys(COLUMNS)
        last = months[-1] if months else ""
        waited = max((row["month"] for row in rows if row["dimension"] == "site"), default="")
        return self.jinja.get_template("use.html").render(
            lang=self.language,
            languages={code: name(code) for code in self.settings.languages},
            settings=self.settings,
            least=PEOPLE,
            total=(sums(rows, "total") or [None])[0],
            first=months[0] if months else "",
            last=last,
            waited=waited,
            months=[totals.get(m, {**unpublished, "month": m}) for m in reversed(months)],
            tables=tables,
            sites=[
                {**row, "title": self._title("site", row)}
                for row in rows
                if row["dimension"] == "site" and row["month"] == waited
            ],
        )

    def _title(self, dimension: str, row: dict) -> str:
        """Return what a row is called."""
        country, of_row = row["country"], row["name"]
        if dimension == "country":
            return self._country(country)
        if dimension == "institution":
            if country == NONE:
                return self.gettext(N_("Sin institución"))
            if country == OTHER:
                return self.gettext(N_("Otras instituciones, o ninguna"))
            if of_row == OTHER:
                return f"{self.gettext(N_('Otras instituciones'))} ({self._country(country)})"
            titles = self.settings.institutions.get(of_row, {}).get("title", of_row)
            return localized(titles, self.language)
        if of_row == OTHER:
            return self.gettext(N_("Otros cursos"))
        known = self.settings.courses if dimension == "course" else self.settings.sites
        return localized(known.get(of_row, of_row), self.language)

    def _country(self, code: str) -> str:
        if code == OTHER:
            return self.gettext(N_("Otros países, o ninguno"))
        if code == NONE:
            return self.gettext(N_("Sin institución"))
        return self.locale.territories.get(code, code)

    def _number(self, value: float | None, digits: int = 0) -> str:
        if value is None:
            return "–"
        pattern = "#,##0.#" if digits else "#,##0"
        return format_decimal(round(value, digits), pattern, locale=self.locale)

    def _kilo(self, value: float) -> str:
        """Return a small number as it is said in the settings: 0.56."""
        return format_decimal(value, "#,##0.###", locale=self.locale)

    def _month(self, month: str) -> str:
        return format_date(date.fromisoformat(f"{month}-01"), "LLLL y", locale=self.locale)
