"""Write the Grafana dashboards minga.json (Spanish) and minga.en.json (English).

    python -m deploy.grafana.dashboard

One table below, two languages: the dashboards differ in their texts and in nothing else. Import
them in Grafana (Dashboards → New → Import) and choose the Prometheus that reads the hub.
"""

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
LANGUAGES = ("es", "en")
SITE = 'site=~"$site"'


@dataclass(frozen=True)
class Panel:
    """One panel: what it is called and says, in (Spanish, English), and what it asks Prometheus."""

    title: tuple[str, str]
    description: tuple[str, str]
    queries: tuple[tuple[str, str], ...]  # (PromQL, legend)
    unit: str = "short"  # Grafana's name: s, short, percentunit …
    kind: str = "timeseries"  # or stat
    width: int = 12  # of 24
    height: int = 8
    stacked: bool = False


def _quantile(q: float, metric: str, by: str, where: str = SITE) -> str:
    rate = f"rate({metric}_bucket{{{where}}}[$__rate_interval])"
    return f"histogram_quantile({q}, sum by (le, {by}) ({rate}))"


def _state(title: tuple[str, str], description: tuple[str, str], state: str) -> Panel:
    query = f'sum(minga_sessions{{{SITE}, state="{state}"}})'
    return Panel(title, description, ((query, ""),), kind="stat", width=6, height=4)


PANELS = [
    _state(("En marcha", "Running"), ("Sesiones abiertas ahora.", "Sessions open now."), "running"),
    _state(
        ("En la cola", "In the queue"),
        ("Esperan su turno en Slurm.", "They wait for their turn in Slurm."),
        "waiting",
    ),
    _state(
        ("Iniciando", "Starting"),
        (
            "Su trabajo ya corre y su servidor todavía no responde.",
            "Their job runs, and their server does not answer yet.",
        ),
        "starting",
    ),
    _state(
        ("Estado desconocido", "Unknown"),
        (
            "El planificador de su sede no responde. Las sesiones se conservan.",
            "Their site's scheduler does not answer. The sessions are kept.",
        ),
        "unknown",
    ),
    Panel(
        ("Sesiones por sede y estado", "Sessions by site and state"),
        (
            "Cuántas sesiones hay en cada sede y qué están haciendo.",
            "How many sessions each site has, and what they are doing.",
        ),
        ((f"sum by (site, state) (minga_sessions{{{SITE}}})", "{{site}} {{state}}"),),
        width=24,
        stacked=True,
    ),
    Panel(
        ("Del clic al cuaderno (mediana y p95)", "From click to notebook (median and p95)"),
        (
            "Inicio completo, con la cola incluida.",
            "The whole start, time in the queue included.",
        ),
        tuple(
            (
                _quantile(q, "minga_spawn_phase_seconds", "site", f'{SITE}, phase="total"'),
                f"{{{{site}}}} {name}",
            )
            for q, name in ((0.5, "p50"), (0.95, "p95"))
        ),
        unit="s",
    ),
    Panel(
        ("Mediana de cada fase", "Median of each phase"),
        (
            "submit: entregar el trabajo; queue: esperar turno; start: hasta que el servidor "
            "responde; ready: hasta que la persona entra.",
            "submit: hand the job in; queue: wait for a turn; start: until the server answers; "
            "ready: until the person is in.",
        ),
        (
            (
                _quantile(0.5, "minga_spawn_phase_seconds", "phase", f'{SITE}, phase!="total"'),
                "{{phase}}",
            ),
        ),
        unit="s",
    ),
    Panel(
        ("Inicios que fallaron, por motivo", "Starts that failed, by reason"),
        (
            "En la última hora. options: se pidió algo que no se ofrece (sin sede).",
            "In the last hour. options: something was asked for that is not offered (no site).",
        ),
        (
            (
                'sum by (site, reason) (increase(minga_spawn_failures_total{site=~"$site|"}[1h]))',
                "{{site}} {{reason}}",
            ),
        ),
    ),
    Panel(
        ("Sesiones que terminaron solas", "Sessions that ended by themselves"),
        (
            "En la última hora, por el último estado en Slurm: timeout es el límite de tiempo, "
            "node_fail una falla del equipo, out_of_memory falta de memoria.",
            "In the last hour, by their last state in Slurm: timeout is the time limit, node_fail "
            "a broken machine, out_of_memory too little memory.",
        ),
        (
            (
                f"sum by (site, state) (increase(minga_sessions_ended_total{{{SITE}}}[1h]))",
                "{{site}} {{state}}",
            ),
        ),
    ),
    Panel(
        ("Consulta de la cola (p99)", "Query of the queue (p99)"),
        (
            "Una consulta sirve a todas las sesiones de una sede; a los 10 s se abandona.",
            "One query serves all sessions of a site; it is given up after 10 s.",
        ),
        ((_quantile(0.99, "minga_queue_query_seconds", "site"), "{{site}}"),),
        unit="s",
    ),
    Panel(
        ("Consultas sin respuesta", "Queries without an answer"),
        (
            "Parte de las consultas de la cola que fallan o no llegan.",
            "Share of the queue's queries that fail or do not come.",
        ),
        (
            (
                f"sum by (site) (rate(minga_queue_query_failures_total{{{SITE}}}"
                "[$__rate_interval])) / sum by (site) "
                f"(rate(minga_queue_query_seconds_count{{{SITE}}}[$__rate_interval]))",
                "{{site}}",
            ),
        ),
        unit="percentunit",
    ),
    Panel(
        ("Trabajos sin dueño", "Jobs without an owner"),
        (
            "Trabajos de este hub que no pertenecen a ninguna sesión, en el último día.",
            "Jobs of this hub that belong to no session, in the last day.",
        ),
        ((f"sum by (site) (increase(minga_orphaned_jobs_total{{{SITE}}}[1d]))", "{{site}}"),),
    ),
    Panel(
        ("Respuesta del hub (p99)", "The hub's response (p99)"),
        (
            "Lo que tarda el hub en responder, y cuánto se detiene su único hilo.",
            "How long the hub takes to answer, and how long its one thread stands still.",
        ),
        tuple(
            (
                f"histogram_quantile(0.99, sum by (le) (rate({metric}_bucket[$__rate_interval])))",
                name,
            )
            for metric, name in (
                ("jupyterhub_request_duration_seconds", "HTTP"),
                ("jupyterhub_event_loop_interval_seconds", "event loop"),
            )
        ),
        unit="s",
    ),
]
TITLE = ("Minga: sesiones", "Minga: sessions")
SITE_LABEL = ("Sede", "Site")


def dashboard(language: str) -> dict:
    """Return the dashboard in `language` as Grafana's JSON model (schema 41: Grafana 12)."""
    index = LANGUAGES.index(language)
    panels, x, y = [], 0, 0
    for number, panel in enumerate(PANELS, 1):
        if x + panel.width > 24:
            x, y = 0, y + panels[-1]["gridPos"]["h"]
        panels.append(_panel(panel, number, index, x, y))
        x += panel.width
    return {
        "uid": f"minga-{language}",
        "title": TITLE[index],
        "tags": ["minga", "jupyterhub", "slurm"],
        "schemaVersion": 41,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {
            "list": [
                {"name": "datasource", "type": "datasource", "query": "prometheus"},
                {
                    "name": "site",
                    "label": SITE_LABEL[index],
                    "type": "query",
                    "datasource": _source(),
                    "query": {"query": "label_values(minga_sessions, site)", "refId": "site"},
                    "includeAll": True,
                    "allValue": ".+",
                    "multi": True,
                    "refresh": 2,
                    "current": {"text": "All", "value": "$__all"},
                },
            ]
        },
        "panels": panels,
    }


def _source() -> dict:
    return {"type": "prometheus", "uid": "${datasource}"}


def _panel(panel: Panel, number: int, index: int, x: int, y: int) -> dict:
    custom = {"stacking": {"mode": "normal"}, "fillOpacity": 30} if panel.stacked else {}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title[index],
        "description": panel.description[index],
        "datasource": _source(),
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height},
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, "custom": custom},
            "overrides": [],
        },
        "targets": [
            {"refId": "ABC"[place], "expr": query, "legendFormat": legend, "datasource": _source()}
            for place, (query, legend) in enumerate(panel.queries)
        ],
    }


def file(language: str) -> Path:
    """Return where the dashboard in `language` is kept; the Spanish one has the plain name."""
    return FOLDER / ("minga.json" if language == "es" else f"minga.{language}.json")


def text(language: str) -> str:
    """Return what stands in `file(language)`."""
    return json.dumps(dashboard(language), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    for language in LANGUAGES:
        file(language).write_text(text(language), encoding="utf-8")
