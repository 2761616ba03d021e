"""What a session is: the sites and choices that the spawner gets, and a session's environment."""

import os
import sys
from functools import lru_cache, partial
from pathlib import Path

from courses.models import load_course
from courses.titles import in_all_languages
from spawners.choices import Choice, Course, Offer, Profile, SiteTitle
from spawners.local import LocalSite
from spawners.login_node import LoginNode
from spawners.sites import SlurmSite
from spawners.slurm import MingaSpawner

from . import account_plan
from .authorization import courses_of
from .deployment import ROOT, Deployment
from .pages import languages
from .state import State
from .transparency import institution_of


def configure(c, deployment: Deployment, state: State) -> None:
    """Tell the hub how a session is started."""
    c.JupyterHub.spawner_class = MingaSpawner
    c.MingaSpawner.sites = sites(deployment, state)
    c.MingaSpawner.offers = lambda spawner: offer(deployment, spawner)
    c.MingaSpawner.shared_account = deployment.accounts == "shared"
    c.MingaSpawner.translations = lambda message: {
        language: message.render(
            lambda text, language=language: languages.translate(text, language)
        )
        for language in deployment.languages
    }
    c.MingaSpawner.home = lambda spawner: home(deployment, state, spawner)
    c.MingaSpawner.course_on_site = lambda choice: deployment.courses[choice.course].slurm.get(
        choice.site
    )
    c.MingaSpawner.account_of = lambda spawner, place, account: account_plan.account_of(
        deployment, place.course, place.site, institution(deployment, spawner)
    )
    c.MingaSpawner.profile_of = partial(profile_of, deployment)
    c.MingaSpawner.extension_on_site = lambda site: deployment.sites[site].extension
    c.MingaSpawner.session_environment = lambda spawner, choice: environment(
        deployment, state, choice
    )
    if deployment.hub.url and not deployment.hub.internal_tls:
        # Nodes do not reach the hub's own port, which is on loopback; with internal TLS the
        # hub shows its sessions a certificate that the reverse proxy does not have.
        c.MingaSpawner.hub_connect_url = deployment.hub.url
    c.MingaSpawner.cmd = [_beside_python("jupyterhub-singleuser")]
    c.MingaSpawner.default_url = "/lab"
    if os.geteuid() == 0 and deployment.accounts == "shared":
        c.MingaSpawner.args = ["--allow-root"]  # Jupyter refuses to run as root otherwise
    # All who press start are served, in order; the scheduler is what has a queue.
    c.JupyterHub.concurrent_spawn_limit = 0
    c.MingaSpawner.consecutive_failure_limit = 0


def profile_of(deployment: Deployment, course: str, assignment: str) -> str | None:
    """Return the machine profile that an assignment asks for, or None if there is no such."""
    if course not in deployment.courses:
        return None
    known = load_course(course).assignments.get(assignment)
    return known.profile if known else None


def sites(deployment: Deployment, state: State) -> dict:
    """Return the deployment's sites as objects that take jobs."""
    private = state.read("clusters")  # written by the launcher when it started them
    result = {}
    for name, site in deployment.sites.items():
        if site.private_cluster and private.get(name, {}).get("scheduler") == "local":
            result[name] = LocalSite(name)
            continue
        addresses, environment, listen = site.addresses, site.environment, "0.0.0.0"  # noqa: S104
        if site.private_cluster:
            nodes = site.private_cluster.nodes
            addresses = {node.name: "127.0.0.1" for node in nodes} | addresses
            environment = private.get(name, {}).get("environment", {}) | environment
            listen = "127.0.0.1"
        login_node = None
        if site.ssh:
            login_node = LoginNode(**site.ssh.model_dump(), folder=state.ssh)
        result[name] = SlurmSite(
            name,
            environment=environment,
            query_prefix=site.query_prefix,
            user_prefix=site.user_prefix,
            addresses=addresses,
            listen="127.0.0.1" if site.tunnel else listen,
            partition=site.partition,
            python=site.python or sys.executable,
            login_node=login_node,
            personal=deployment.accounts == "personal",
            tunnel=site.tunnel,
            counted=account_plan.names(deployment, name),
        )
    return result


def institution(deployment: Deployment, spawner) -> str:
    """Return the institution that the person of `spawner` counts to, "" if none."""
    return institution_of(deployment, [group.name for group in spawner.user.groups])


def offer(deployment: Deployment, spawner) -> Offer:
    """Return what the person of `spawner` may choose from now: by the hub's groups."""
    names = courses_of([group.name for group in spawner.user.groups])
    return Offer(
        courses=[
            Course(name=name, title=_course_title(name))
            for name in deployment.courses
            if name in names
        ],
        sites=[SiteTitle(name=name, title=site.title) for name, site in deployment.sites.items()],
        profiles=[
            Profile(
                name=name,
                **profile.model_dump(exclude={"sites"}),
                sites=profile.sites or list(deployment.sites),
            )
            for name, profile in deployment.profiles.items()
        ],
        languages=deployment.languages,
    )


@lru_cache
def _course_title(name: str) -> dict[str, str]:
    """Return a course's titles, read once: every look at a start page asks for them."""
    return in_all_languages(load_course(name).title, name)


def home(deployment: Deployment, state: State, spawner) -> str:
    """Return the home folder of the person of `spawner` on the chosen site."""
    site = deployment.sites.get(spawner.choice.site if spawner.choice else spawner.site_name)
    pattern = site.home if site else ""
    shared = deployment.accounts == "shared"
    if shared and not pattern:
        return str(state.home(spawner.user.name))
    folder = (pattern or "/home/{username}").replace("{username}", spawner.user.name)
    if shared and not (site and site.ssh):  # there, the launcher makes it
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def environment(deployment: Deployment, state: State, choice: Choice) -> dict[str, str]:
    """Return what a session gets besides the hub's own variables."""
    return {
        "MINGA_SESSION_OF": str(state.root),
        "MINGA_COURSE": choice.course,
        "MINGA_SITE": choice.site,
        "MINGA_LANGUAGE": choice.language,
        "MINGA_EXCHANGE_URL": deployment.exchange_url,
        "JUPYTER_CONFIG_PATH": os.pathsep.join(jupyter_config(choice.language, "student")),
    }


def jupyter_config(language: str, role: str) -> list[str]:
    """Return the configuration folders of a notebook server, most important first.

    `hub_config/jupyter/<language>` sets JupyterLab's language, `hub_config/jupyter/<role>`
    which of nbgrader's panels are there (and, for students, that a terminal is no login shell,
    which would lose the session's PATH and Slurm's commands with it), `courses/jupyter` nbgrader.
    """
    own = ROOT / "hub_config" / "jupyter"
    if not (own / language).is_dir():
        language = languages.SOURCE  # as all else that is not translated
    return [str(own / language), str(own / role), str(ROOT / "courses" / "jupyter")]


def _beside_python(program: str) -> str:
    """Return a program of the environment that this Python belongs to."""
    return str(Path(sys.executable).with_name(program))
