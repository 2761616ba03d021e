"""The public page of use: what the hub records of each session, and the service that shows it."""

import asyncio
import os
import sys
import time

from courses.models import load_course
from courses.titles import in_all_languages
from spawners.queue import Life
from transparency.database import Database
from transparency.record import Recorder, read_key
from transparency.settings import Settings

from . import databases
from .deployment import ROOT, Deployment
from .state import State

INSTITUTION = "institution-"  # begins the name of the hub group of an institution's people
HOUR = 3600


def configure(c, deployment: Deployment, state: State, interval: float = HOUR) -> None:
    """Record the use of sessions from now on, and add the service `transparency`.

    Call it after the other services are set. `interval` is the time between two looks at the
    sites' accounting, in seconds.
    """
    if not deployment.transparency.enabled:
        return
    known = settings(deployment, state)
    c.JupyterHub.services += [service(known, deployment, state)]
    try:  # JupyterHub reads its configuration in the loop that it then runs in
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return  # somebody only reads the configuration
    # It opens its database at the first session, when JupyterHub has long opened its own: alembic,
    # which both use, cannot migrate two at a time in one process.
    recorder = Recorder(Database(known.database_url), read_key(known.key_file))
    c.MingaSpawner.on_use = lambda spawner, event: tell(recorder, deployment, spawner, event)
    # The loop keeps no strong reference to a task.
    configure.task = loop.create_task(_correct(recorder, c.MingaSpawner.sites, interval))


async def _correct(recorder: Recorder, sites: dict, interval: float) -> None:
    while True:
        await asyncio.sleep(interval)
        await recorder.correct(sites)


def tell(recorder: Recorder, deployment: Deployment, spawner, event: str) -> None:
    """Hand what a MingaSpawner knows of its session to the recorder."""
    if not spawner.tag:
        return  # no job of a scheduler's: a process of this machine
    if event == "ended":
        recorder.ended(spawner.tag, end_of(spawner.job))
        return
    job = spawner.job
    # An earlier hub's session has what was asked for, from which the choice was made.
    choice = spawner.choice or spawner.offers(spawner).choose(spawner.user_options)
    profile = deployment.profiles[choice.profile]
    institution = institution_of(deployment, [group.name for group in spawner.user.groups])
    started = int(job.started or time.time())
    recorder.started(
        spawner.user.name,
        tag=spawner.tag,
        institution=institution,
        country=deployment.all_institutions[institution].country if institution else "",
        course=choice.course,
        site=spawner.site_name,
        job=job.id,
        gpus=profile.gpus,
        cores=profile.cores,
        submitted=int(job.since or started),
        started=started,
        ends=int(job.ends or started + choice.hours * HOUR),
    )


def end_of(job) -> float | None:
    """Return when a session's job ended, by the queue's last word of it; None: nobody knows."""
    if job is None:
        return None  # an earlier hub's, and Slurm has forgotten it
    if job.life is Life.GONE and job.ends:
        return float(job.ends)
    # Stopped now, or forgotten since the last look; a limit that has passed was its end.
    return min(time.time(), float(job.ends or "inf"))


def institution_of(deployment: Deployment, groups: list[str]) -> str:
    """Return the institution that somebody in these hub groups counts to, "" if none."""
    return next((name for name in deployment.all_institutions if INSTITUTION + name in groups), "")


def settings(deployment: Deployment, state: State) -> Settings:
    """Return what the page's service is told."""
    own = deployment.transparency
    return Settings(
        folder=str(state.transparency),
        database=own.database,
        exchange=databases.addresses(deployment, state)["exchange.database"],
        languages=tuple(deployment.languages),
        institutions={
            name: each.model_dump(include={"title", "country"})
            for name, each in deployment.all_institutions.items()
        },
        courses={
            name: in_all_languages(load_course(name).title, name) for name in deployment.courses
        },
        sites={name: site.title for name, site in deployment.sites.items()},
        gpu_watts=own.gpu_watts,
        pue=own.pue,
        keep_months=own.keep_months,
    )


def service(known: Settings, deployment: Deployment, state: State) -> dict:
    """Return the service that shows the page to everybody, without login."""
    return {
        "name": "transparency",
        "url": f"http://127.0.0.1:{state.ports()['transparency']}",
        "command": [sys.executable, "-m", "transparency"],
        "cwd": str(ROOT),
        "environment": {
            "MINGA_HUB_OF": str(state.root),
            "MINGA_TRANSPARENCY": known.to_json(),
            # PostgreSQL's own: a password is not for the deployment's file.
            **databases.environment(os.environ),
            **{k: v for k, v in os.environ.items() if k in ("HOME", "MINGA_DEPLOYMENT")},
        },
        "display": False,
    }
