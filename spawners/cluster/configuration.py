"""A cluster's description, written as Slurm's own configuration files."""

import os
import pwd
import shlex
import socket
from pathlib import Path

from . import accounting
from .description import ClusterDescription
from .packages import Installation

MARKER = "MINGA_CLUSTER"
"""Environment variable that every process of a cluster carries: the cluster's folder."""

KILL_WAIT = 5
"""Seconds that a job has between SIGTERM and SIGKILL."""


class NotLoopback(RuntimeError):
    """This machine's name leads to an address that others reach; the text says what to do."""


def own_address() -> str:
    """Return the loopback address of this machine's name: Slurm's daemons listen there.

    It is often 127.0.1.1. Told not to listen everywhere, they take the name's address, whatever
    their configuration says. Raises NotLoopback if that is none of this machine alone.
    """
    name = socket.gethostname()
    try:
        address = socket.gethostbyname(name)
    except OSError:
        address = "no address"
    if not address.startswith("127."):
        raise NotLoopback(
            f"this machine's name, {name}, leads to {address}; Slurm would listen there, not on "
            f"this machine alone. Add the line «127.0.1.1 {name}» to /etc/hosts"
        )
    return address


def write(
    description: ClusterDescription,
    ports: list[int],
    installation: Installation,
    folder: Path,
    shown: Path,
    run: Path,
    program_root: Path,
) -> Path:
    """Write the files of `description` to `folder`/etc and return slurm.conf's path.

    `shown` and `program_root` are `folder` and the installation's root by paths that Slurm can
    parse, `run` is the short private folder of sockets. The first port is slurmctld's, then one
    a node, then slurmdbd's if there is accounting. The path returned begins with `shown`.
    """
    settings, gpus = folder / "etc", folder / "gpu"
    for place, mode in ((folder / "log", 0o755), (folder / "state", 0o700), (gpus, 0o755)):
        place.mkdir(exist_ok=True)
        place.chmod(mode)
    settings.mkdir(exist_ok=True)
    settings.chmod(0o755)
    for number in range(max(node.gpus for node in description.nodes)):
        device = gpus / f"nvidia{number}"
        if not device.is_symlink():  # Slurm wants a character device: this one harms nobody
            device.symlink_to("/dev/null")
    files = {
        "slurm.conf": _slurm_conf(description, ports, installation, shown, run, program_root),
        "gres.conf": _gres_conf(description, shown),
        "cgroup.conf": _cgroup_conf(installation.version),
    }
    scripts = {
        "task_prolog": _task_prolog(installation, folder, shown, program_root),
    }
    for name, text in (files | scripts).items():
        path = settings / name
        if not path.exists() or path.read_text() != text:
            new = path.with_suffix(".new")
            new.write_text(text)
            new.chmod(0o755 if name in scripts else 0o644)
            new.replace(path)
    return shown / "etc" / "slurm.conf"


def _slurm_conf(description, ports, installation, shown, run, program_root) -> str:
    nodes = description.nodes
    address = own_address()
    uid = os.getuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:  # a container without an entry for this account
        user = str(uid)
    # Memory that a job gets per core if it does not say: a full node's cores fit its memory.
    memory = max(1, min(2048, *(node.memory_mb // node.cpus for node in nodes)))
    lines = [
        f"ClusterName={description.name}",
        f"SlurmctldHost=localhost({address})",
        f"SlurmctldPort={ports[0]}",
        f"SlurmUser={user}",
        f"SlurmdUser={user}",
        "AuthType=auth/munge",
        # A requeued job waits until its old credential has expired (two minutes by default).
        f"AuthInfo=socket={run}/munge.socket,cred_expire=30",
        # Without it the daemons listen on every address of the machine.
        "CommunicationParameters=NoCtldInAddrAny,NoInAddrAny",
        f"StateSaveLocation={shown}/state",
        f"SlurmdSpoolDir={run}/%n",  # holds sockets, whose paths must be short
        f"SlurmctldPidFile={run}/slurmctld.pid",
        f"SlurmdPidFile={run}/slurmd-%n.pid",
        f"SlurmctldLogFile={shown}/log/slurmctld.log",
        f"SlurmdLogFile={shown}/log/slurmd-%n.log",
        f"TaskProlog={shown}/etc/task_prolog",
        "ProctrackType=proctrack/linuxproc",
        "TaskPlugin=task/none",
        "JobAcctGatherType=jobacct_gather/linux",
        "SelectType=select/cons_tres",
        "SelectTypeParameters=CR_Core_Memory",
        "SchedulerType=sched/backfill",
        "SchedulerParameters=batch_sched_delay=0,bf_interval=2",
        "GresTypes=gpu",
        "ReturnToService=2",
        f"KillWait={KILL_WAIT}",
        "SlurmdParameters=config_overrides",  # nodes may be larger than this machine
        "MailProg=/bin/true",
    ]
    if installation.plugins:
        below = installation.plugins.relative_to(installation.root)
        lines.append(f"PluginDir={program_root / below}")
    if description.accounting:
        lines += accounting.slurm_conf(run, address, ports[-1])
    else:
        lines.append("PriorityType=priority/basic")  # first come, first served
    for node, port in zip(nodes, ports[1 : 1 + len(nodes)], strict=True):
        line = (
            f"NodeName={node.name} NodeHostname={socket.gethostname().split('.')[0]} "
            f"NodeAddr={address} Port={port} CPUs={node.cpus} Boards=1 SocketsPerBoard=1 "
            f"CoresPerSocket={node.cpus} ThreadsPerCore=1 RealMemory={node.memory_mb} "
            "State=UNKNOWN"
        )
        lines.append(line + (f" Gres=gpu:{node.gpu_type}:{node.gpus}" if node.gpus else ""))
    lines.append(
        f"PartitionName={description.partition} Nodes={','.join(node.name for node in nodes)} "
        f"Default=YES MaxTime={description.max_hours}:00:00 DefMemPerCPU={memory} State=UP"
    )
    return "\n".join(lines) + "\n"


def _gres_conf(description: ClusterDescription, shown: Path) -> str:
    lines = ["AutoDetect=off"]
    for node in description.nodes:
        if node.gpus:
            devices = "nvidia0" if node.gpus == 1 else f"nvidia[0-{node.gpus - 1}]"
            lines.append(
                f"NodeName={node.name} Name=gpu Type={node.gpu_type} File={shown}/gpu/{devices}"
            )
    return "\n".join(lines) + "\n"


def _cgroup_conf(version: tuple[int, ...]) -> str:
    # Since 23.11 slurmd looks for a cgroup of its own, which an ordinary user does not have,
    # unless told not to; older ones do not know the word.
    return "CgroupPlugin=disabled\n" if version >= (23, 11) else "ConstrainCores=no\n"


def _task_prolog(installation: Installation, folder: Path, shown: Path, root: Path) -> str:
    """Return the script whose output becomes part of each job's environment.

    Jobs find this cluster's commands whatever they were submitted with, and carry the marker
    by which `stop` finds even those that left their process group.
    """
    lines = [
        "#!/bin/sh",
        f"printf 'export {MARKER}=%s\\n' {shlex.quote(str(folder))}",
        f"printf 'export SLURM_CONF=%s\\n' {shlex.quote(str(shown / 'etc' / 'slurm.conf'))}",
    ]
    paths = {
        "PATH": (installation.search_path(root), "${PATH:-/usr/local/bin:/usr/bin:/bin}"),
        "LD_LIBRARY_PATH": (installation.library_path(root), "$LD_LIBRARY_PATH"),
    }
    for name, (folders, current) in paths.items():
        if folders:  # in front, once: jobs submit jobs that inherit it
            ours = shlex.quote(":".join(folders))
            lines += [
                f"ours={ours} rest={current}",
                'while [ "${rest#"$ours"}" != "$rest" ]; do',
                '  rest=${rest#"$ours"} rest=${rest#:}',
                "done",
                f"printf 'export {name}=%s\\n' \"$ours${{rest:+:$rest}}\"",
            ]
    return "\n".join(lines) + "\n"
