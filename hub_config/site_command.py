"""The command line of what is kept at the sites: `--apply`, `--site NAME`."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable

from . import sessions
from .deployment import Deployment, DeploymentError, load
from .state import State


def run(
    program: str,
    about: str,
    carry_out: Callable[[Deployment, dict, bool], Awaitable[bool]],
    arguments: list[str] | None = None,
) -> int:
    """Call `carry_out(deployment, sites, apply)`; return 0 if all went well, 1 or 2 if not.

    `program` and `about` are what `--help` says; `arguments` are the process's by default.
    """
    parser = argparse.ArgumentParser(
        prog=program,
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--apply", action="store_true", help="do it, not only show it")
    parser.add_argument("--site", help="only this site")
    options = parser.parse_args(arguments)
    try:
        deployment = load()
    except DeploymentError as error:
        print(error, file=sys.stderr)
        return 2
    sites = sessions.sites(deployment, State(deployment))
    if options.site:
        if options.site not in sites:
            parser.error(f"no site «{options.site}»; there are {', '.join(sites)}")
        sites = {options.site: sites[options.site]}
    return 0 if asyncio.run(carry_out(deployment, sites, options.apply)) else 1
