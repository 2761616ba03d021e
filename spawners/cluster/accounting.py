"""Slurm's accounting for one private cluster: a database and slurmdbd, as the current user.

Only where a deployment asks for it (`private_cluster: {accounting: true}`): with it the cluster
has accounts, QOS and limits, as real sites do. Without, a cluster starts in a tenth of the time.
"""

import os
import subprocess
import time
from pathlib import Path

from .packages import AccountingPrograms, Installation

DAEMONS = ("mariadbd", "slurmdbd")
ACCOUNT = "minga"  # what every user of the cluster belongs to who is in no other account
PATIENCE = 30  # seconds


class AccountingError(RuntimeError):
    """The database or slurmdbd did not start; the text says why."""


def slurm_conf(run: Path, address: str, port: int) -> list[str]:
    """Return slurm.conf's lines: who keeps the accounts, and that their limits hold.

    Only the multifactor plugin counts what GrpTRESMins limits. Used hours do not come back by
    halves (PriorityDecayHalfLife), all of them do on 1 January: Slurm wants one or the other.
    """
    return [
        "AccountingStorageType=accounting_storage/slurmdbd",
        f"AccountingStorageHost={address}",
        f"AccountingStoragePort={port}",
        f"AccountingStoragePass={run}/munge.socket",
        "AccountingStorageTRES=gres/gpu",
        # safe: a job starts only if all of its time fits into what is left of a quota.
        "AccountingStorageEnforce=associations,limits,qos,safe",
        "PriorityType=priority/multifactor",
        "PriorityWeightFairshare=10000",
        "PriorityWeightAge=1000",
        "PriorityDecayHalfLife=0",
        "PriorityUsageResetPeriod=YEARLY",
        "PriorityCalcPeriod=1",
    ]


class Accounting:
    """The two daemons of one cluster: where they are, and how they are started."""

    def __init__(
        self, folder: Path, run: Path, port: int, user: str, programs: AccountingPrograms,
        installation: Installation,
    ):  # fmt: skip
        self.data = folder / "accounting"
        self.run, self.port, self.user = run, port, user
        self.programs = programs
        self.installation = installation

    def environment(self, base: dict[str, str]) -> dict[str, str]:
        """Return `base` with what the two programs need to find their libraries and each other."""
        libraries = [*self.programs.libraries, *self.installation.library_path()]
        before = base.get("LD_LIBRARY_PATH", "")
        return base | {
            "LD_LIBRARY_PATH": ":".join([*libraries, *before.split(":")]).strip(":"),
            "SLURM_CONF": str(self.run / "slurmdbd.conf"),  # slurmdbd.conf is looked for beside it
            "MYSQL_UNIX_PORT": str(self.run / "database.socket"),
        }

    def launch(self, name: str, environment: dict[str, str]) -> None:
        """Start one of DAEMONS and return when it takes connections. Raises AccountingError."""
        environment = self.environment(environment)
        if name == "mariadbd":
            self._database(environment)
        else:
            self._write_settings()
            self._background([str(self.programs.slurmdbd), "-D"], environment, "slurmdbd")

    def _database(self, environment: dict[str, str]) -> None:
        socket = self.run / "database.socket"
        socket.unlink(missing_ok=True)
        command = [str(self.programs.mariadbd), "--no-defaults", f"--datadir={self.data}"]
        command += [f"--lc-messages-dir={self.programs.share}", "--innodb-buffer-pool-size=32M"]
        command += ["--innodb-log-file-size=8M", "--innodb-lock-wait-timeout=900"]
        if os.geteuid() == 0:
            command.append("--user=root")
        if not (self.data / "mysql").is_dir():
            self.data.mkdir(mode=0o700, exist_ok=True)
            script = "create database mysql;\nuse mysql;\n" + "".join(
                (self.programs.share / f"mysql_system_tables{part}.sql").read_text()
                for part in ("", "_data")
            )
            done = subprocess.run(
                [*command, "--bootstrap"], input=script, env=environment, text=True,
                capture_output=True,
            )  # fmt: skip
            if done.returncode:
                raise AccountingError(f"the database cannot be made: {done.stderr[-500:]}")
        # Nobody but this account reaches the socket, and there is no port.
        start = self.run / "database.sql"
        start.write_text(
            "create database if not exists slurm_acct_db;\n"
            f"create user if not exists `{self.user}`@localhost identified via unix_socket;\n"
            f"grant all on slurm_acct_db.* to `{self.user}`@localhost;\n"
        )
        command += [f"--socket={socket}", "--skip-networking", f"--init-file={start}"]
        command.append(f"--pid-file={self.run}/mariadbd.pid")
        self._background(command, environment, "mariadbd", until=socket.is_socket)

    def _write_settings(self) -> None:
        plugins = [str(self.programs.plugins)]
        if self.installation.plugins:
            plugins.append(str(self.installation.plugins))
        lines = [
            "AuthType=auth/munge",
            f"AuthInfo=socket={self.run}/munge.socket",
            "CommunicationParameters=NoCtldInAddrAny,NoInAddrAny",
            "DbdHost=localhost",
            f"DbdPort={self.port}",
            f"SlurmUser={self.user}",
            "StorageType=accounting_storage/mysql",
            "StorageHost=localhost",
            f"StorageUser={self.user}",
            "StorageLoc=slurm_acct_db",
            f"PidFile={self.run}/slurmdbd.pid",
            f"LogFile={self.run}/slurmdbd.log",
            f"PluginDir={':'.join(plugins)}",
        ]
        file = self.run / "slurmdbd.conf"
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
        file.write_text("\n".join(lines) + "\n")

    def _background(self, command, environment, name: str, until=lambda: True) -> None:
        log = self.run / f"{name}.out"
        with open(log, "wb") as output:
            child = subprocess.Popen(
                command,
                env=environment,
                cwd=self.run,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end = time.monotonic() + PATIENCE
        while not until():
            if child.poll() is not None or time.monotonic() > end:
                child.kill()
                said = log.read_text(errors="replace")[-800:]
                raise AccountingError(f"{name} did not start: {said}")
            time.sleep(0.05)


def enroll(cluster: str, user: str, run) -> None:
    """Make `cluster` known to its accounting, and `user` one who may submit there.

    `run` runs one of Slurm's commands, whatever its exit status: what is there is added again.
    """
    here = f"cluster={cluster}"
    for words in (
        ["add", "cluster", cluster],
        ["add", "account", ACCOUNT, here],
        ["add", "user", user, f"account={ACCOUNT}", here],
    ):
        run("sacctmgr", "--immediate", *words)
