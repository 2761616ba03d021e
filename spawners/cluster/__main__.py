"""`python -m spawners.cluster start|stop|status`: the try-out's clusters by hand."""

import argparse
import shlex
import sys
from pathlib import Path

from . import packages
from .cluster import ClusterError, PrivateCluster, free_ports
from .description import DEFAULTS
from .runfolder import RunFolderError

FOLDER = packages.DEFAULT_FOLDER.parent / "clusters"


def main(arguments: list[str] | None = None) -> int:
    """Carry out the command line; return 0 if every cluster is as asked, else 1."""
    parser = argparse.ArgumentParser(prog="python -m spawners.cluster", description=__doc__)
    parser.add_argument("action", choices=("start", "stop", "status"))
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(DEFAULTS)}")
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="where clusters keep their state (%(default)s)"
    )
    parser.add_argument(
        "--programs",
        type=Path,
        default=packages.DEFAULT_FOLDER,
        help="where Slurm's packages are unpacked if they are not installed (%(default)s)",
    )
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(DEFAULTS))
    if unknown:
        parser.error(f"no cluster {', '.join(unknown)}; there are {', '.join(DEFAULTS)}")
    try:
        if options.action == "start":
            installation = packages.ensure(options.programs, _say)
        else:
            installation = packages.find(options.programs)
        if installation is None:
            _say("Slurm was never fetched here; nothing runs")
            return 0 if options.action == "stop" else 1
        return max(
            _act(options.action, name, options.folder / name, installation)
            for name in options.names or DEFAULTS
        )
    except (packages.SlurmUnavailable, ClusterError, RunFolderError) as error:
        print(error, file=sys.stderr)
        return 1


def _act(action: str, name: str, folder: Path, installation: packages.Installation) -> int:
    """Start, stop or describe one cluster."""
    description = DEFAULTS[name]
    cluster = None
    if action != "start":
        cluster = PrivateCluster.load(folder, installation)
    if cluster is None:
        ports = free_ports(description.port_count)
        cluster = PrivateCluster(description, folder, ports, installation)
    if action == "start":
        cluster.start(_say)
        settings = cluster.environment()
        for key in [key for key in ("SLURM_CONF", "LD_LIBRARY_PATH") if key in settings]:
            _say(f"  export {key}={shlex.quote(settings[key])}")
        added = ":".join(installation.search_path())
        if added:
            _say(f'  export PATH={shlex.quote(added)}:"$PATH"')
        return 0
    if action == "stop":
        cluster.stop(_say)
        return 0
    status = cluster.status()
    missing = [daemon for daemon, pid in status.daemons.items() if pid is None]
    _say(f"{name}: " + (f"not running: {', '.join(missing)}" if missing else "running"))
    for node, state in status.nodes.items():
        _say(f"  {node}: {state}")
    if status.jobs is not None:
        _say(f"  jobs: {status.jobs}")
    return 0 if status.running else 1


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
