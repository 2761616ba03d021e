"""What runs beside the hub: the exchange, the formgrader of each course, and the book."""

import json
import os
import sys
from pathlib import Path

from courses.models import load_course
from courses.titles import in_all_languages

from . import course_account, databases
from . import pages as hub_pages
from .deployment import ROOT, Deployment
from .sessions import jupyter_config
from .state import State


def configure(c, deployment: Deployment, state: State) -> None:
    """Tell the hub its services; each listens on a loopback port of its own."""
    ports = state.ports()
    c.JupyterHub.services = [exchange(ports, deployment, state), book(ports, state)] + [
        formgrader(name, ports, deployment, state) for name in deployment.courses
    ]


def pages(c, deployment: Deployment) -> None:
    """Tell the hub's pages what they link to, and how this installation is to be introduced."""
    hub_pages.configure(
        c,
        titles={
            name: in_all_languages(load_course(name).title, name) for name in deployment.courses
        },
        try_out=deployment.accounts == "shared",
        hidden_services=("book", "exchange", "transparency"),
        transparency_url="/services/transparency/" if deployment.transparency.enabled else "",
    )


def port_names(deployment: Deployment) -> list[str]:
    """Return what needs a port besides the hub and the clusters."""
    formgraders = (f"formgrader-{name}" for name in deployment.courses)
    return ["book", "exchange", "transparency", *formgraders]


def book(ports: dict[str, int], state: State) -> dict:
    """Return the service that shows the course book to everybody, without login."""
    return {
        "name": "book",
        "url": f"http://127.0.0.1:{ports['book']}",
        "command": [sys.executable, "-m", "book.serve"],
        "cwd": str(ROOT),
        "environment": {"MINGA_HUB_OF": str(state.root)},
        "display": False,
    }


def exchange(ports: dict[str, int], deployment: Deployment, state: State) -> dict:
    """Return the service through which work travels (exchange/service/README.md)."""
    return {
        "name": "exchange",
        "url": f"http://127.0.0.1:{ports['exchange']}",
        "command": [sys.executable, "-m", "exchange.service"],
        "cwd": str(ROOT),
        "environment": {
            "MINGA_HUB_OF": str(state.root),
            "MINGA_EXCHANGE_FOLDER": str(state.exchange),
            "MINGA_EXCHANGE_DATABASE": deployment.exchange.database,
            "MINGA_EXCHANGE_LIMITS": json.dumps(deployment.exchange.limits),
            # PostgreSQL's own: a password is not for the deployment's file.
            **databases.environment(os.environ),
            **{k: v for k, v in os.environ.items() if k == "HOME"},
        },
        "display": False,
    }


def formgrader(course: str, ports: dict[str, int], deployment: Deployment, state: State) -> dict:
    """Return the service where a course's instructors grade: nbgrader's own formgrader."""
    home = state.courses / course
    account = deployment.courses[course].account
    command = [
        str(Path(sys.executable).with_name("jupyterhub-singleuser")),
        "--ServerApp.root_dir=" + str(home),
    ]
    if os.geteuid() == 0:
        command.append("--allow-root")
    if course_account.is_another(account):
        command[:1] = [sys.executable, "-m", "hub_config.course_account", account]
    return {
        "name": course,
        "url": f"http://127.0.0.1:{ports[f'formgrader-{course}']}",
        "command": command,
        # Another account's folder cannot be entered; the launcher does it.
        "cwd": str(ROOT if course_account.is_another(account) else home),
        "api_token": state.formgrader_tokens(list(deployment.courses))[course],
        "oauth_no_confirm": True,
        **({"user": account} if account and os.geteuid() == 0 else {}),
        "environment": {
            # JupyterHub gives services a fresh environment; the launcher finds them by this.
            "MINGA_HUB_OF": str(state.root),
            "HOME": str(home),
            **databases.environment(os.environ, another_account=bool(account)),
            # Whom to trust, where an installation's certificate is of an authority of its own.
            **{k: v for k, v in os.environ.items() if k == "SSL_CERT_FILE"},
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "JUPYTERHUB_DEFAULT_URL": "/formgrader",
            "JUPYTER_CONFIG_PATH": os.pathsep.join(
                jupyter_config(deployment.languages[0], "instructor")
            ),
            "MINGA_COURSE": course,
            "MINGA_COURSE_ROOT": str(home),
            "MINGA_EXCHANGE_URL": deployment.exchange_url,
            "MINGA_GRADES_URL": deployment.grades_url,
            "MINGA_LANGUAGE": deployment.languages[0],
        },
    }
