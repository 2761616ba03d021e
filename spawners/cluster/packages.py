"""Find Slurm's programs on this machine, or fetch them as the current user.

Standard library only: the set-up calls this before the virtual environment exists. Installed
programs are used where all are there. Otherwise the packages of Debian or Ubuntu are downloaded
with lists and caches of our own and unpacked into a folder; the system is not touched.
"""

import fcntl
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
DAEMONS = ("slurmctld", "slurmd", "slurmstepd", "munged")
CLIENTS = ("sbatch", "squeue", "scancel", "sinfo", "scontrol", "srun")
ACCOUNTING_PACKAGES = ("slurmdbd", "slurm-wlm-mysql-plugin", "mariadb-server-core")
PROGRAMS = DAEMONS + CLIENTS

INSTALL_COMMAND = "sudo apt-get install " + " ".join(PACKAGES)
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / ".minga" / "slurm"


class SlurmUnavailable(RuntimeError):
    """Slurm can neither be found nor fetched here.

    `missing` names the programs that are not installed, `command` is what an administrator can
    run to install them; the text says both, and why they could not be fetched.
    """

    def __init__(self, missing: tuple[str, ...], reason: str, command: str = INSTALL_COMMAND):
        super().__init__(
            f"Slurm is not available on this machine (missing: {', '.join(missing)}). "
            f"{reason.strip()}\nAsk an administrator to run:  {command}"
        )
        self.missing = missing
        self.reason = reason
        self.command = command


@dataclass(frozen=True)
class Installation:
    """Where Slurm's programs are.

    `root` is "/" for installed packages. `plugins` is Slurm's plug-in folder (None: the one
    that is compiled in). `programs` maps each name of PROGRAMS to its path, `version` is
    Slurm's, e.g. (22, 5, 8).
    """

    root: Path
    plugins: Path | None
    programs: dict[str, Path]
    version: tuple[int, ...]

    @property
    def extracted(self) -> bool:
        """True for unpacked packages, which need `environment()` to find their libraries."""
        return self.root != Path("/")

    def search_path(self, root: Path | None = None) -> list[str]:
        """Return the folders of the programs, below `root` instead of the true root if given.

        Empty for an installed Slurm whose programs are in the system's usual folders.
        """
        folders = dict.fromkeys(str(path.parent) for path in self.programs.values())
        if self.extracted:
            return [self._below(folder, root) for folder in folders]
        return [folder for folder in folders if folder not in SYSTEM_FOLDERS]

    def library_path(self, root: Path | None = None) -> list[str]:
        """Return the folders of the shared libraries; empty for an installed Slurm."""
        if not self.extracted:
            return []
        folders = [self.plugins, self.plugins.parent]
        return [self._below(folder, root) for folder in folders]

    def environment(
        self, base: dict[str, str] | None = None, root: Path | None = None
    ) -> dict[str, str]:
        """Return PATH and LD_LIBRARY_PATH that Slurm's programs need, before those of `base`.

        `base` is the current environment by default; `root` is another path to our root, if
        given. LD_LIBRARY_PATH is left out if not needed.
        """
        base = dict(os.environ) if base is None else base
        path = self.search_path(root) + base.get("PATH", os.defpath).split(":")
        libraries = self.library_path(root)
        result = {"PATH": ":".join(dict.fromkeys(path))}
        if libraries:
            libraries += [item for item in base.get("LD_LIBRARY_PATH", "").split(":") if item]
            result["LD_LIBRARY_PATH"] = ":".join(dict.fromkeys(libraries))
        return result

    def _below(self, folder: Path | str, root: Path | None) -> str:
        """Return `folder` with our root replaced by `root`."""
        return str(folder if root is None else root / Path(folder).relative_to(self.root))


def find(folder: Path = DEFAULT_FOLDER) -> Installation | None:
    """Return the installed Slurm, else the one unpacked in `folder`, else None."""
    return _installed() or _inspect(_root(Path(folder)))


def ensure(
    folder: Path = DEFAULT_FOLDER, progress: Callable[[str], None] = lambda line: None
) -> Installation:
    """Return Slurm's programs, fetched into `folder` if they are nowhere yet.

    `progress` gets one line for each step that takes a while. A second call does nothing, and
    an interrupted one leaves nothing that a later call would take for an installation.
    Raises SlurmUnavailable.
    """
    found = find(folder)
    if found:
        return found
    folder = Path(folder).absolute()
    tool = _missing_tool()
    if tool:
        names = " ".join(PACKAGES)
        raise SlurmUnavailable(
            missing(),
            f"Fetching it needs Debian or Ubuntu ({tool} was not found).",
            f"(with this system's package manager) install {names}",
        )
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two set-ups at once: the second finds the first's
        found = _inspect(_root(folder))
        if found:
            return found
        try:
            _fetch(_root(folder), progress)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SlurmUnavailable(missing(), f"Fetching it failed: {_words(error)}") from error
    found = _inspect(_root(folder))
    if not found:
        raise SlurmUnavailable(missing(), f"The packages unpacked in {folder} do not run here.")
    return found


@dataclass(frozen=True)
class AccountingPrograms:
    """Where the unpacked programs of Slurm's accounting are."""

    mariadbd: Path
    slurmdbd: Path
    plugins: Path  # Slurm's plug-ins, the one for the database among them
    share: Path  # the database's own tables
    libraries: tuple[str, ...]


def ensure_accounting(
    installation: Installation, progress: Callable[[str], None] = lambda line: None
) -> AccountingPrograms:
    """Return the accounting's programs, fetched and unpacked if they are nowhere yet.

    They lie beside an unpacked Slurm, and come from the same release. Raises SlurmUnavailable.
    """
    folder = installation.root.parent if installation.extracted else DEFAULT_FOLDER
    root = _root(folder).with_name(_root(folder).name + "-accounting")
    slurmdbd = root / "usr/sbin/slurmdbd"
    if not slurmdbd.exists():  # _fetch puts it there complete
        try:
            root.parent.mkdir(parents=True, exist_ok=True)
            with open(root.parent / ".lock", "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not slurmdbd.exists():
                    _fetch(root, progress, ACCOUNTING_PACKAGES)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SlurmUnavailable(
                ("slurmdbd", "mariadbd"), f"Fetching it failed: {_words(error)}"
            ) from error
    plugins = next(root.glob("usr/lib/*/*/accounting_storage_mysql.so")).parent
    return AccountingPrograms(
        mariadbd=root / "usr/sbin/mariadbd",
        slurmdbd=slurmdbd,
        plugins=plugins,
        share=root / "usr/share/mysql",
        libraries=(str(plugins), str(plugins.parent)),
    )


def unpack(
    folder: Path, packages: tuple[str, ...], progress: Callable[[str], None] = lambda line: None
) -> None:
    """Fetch other packages too, with what they need, into a folder of this system below `folder`.

    Raises OSError with the reason.
    """
    tool = _missing_tool()
    if tool:
        raise OSError(f"{tool}: not found (Debian, Ubuntu)")
    root = _root(Path(folder))
    root.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(root.parent / ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _fetch(root, progress, packages)
    except subprocess.CalledProcessError as error:
        raise OSError(_words(error)) from error


def _missing_tool() -> str:
    """Return which of the programs that packages are fetched with is not here, or ""."""
    tools = ("apt-get", "apt-config", "dpkg-deb")
    return next((tool for tool in tools if not shutil.which(tool)), "")


def missing() -> tuple[str, ...]:
    """Return the names of PROGRAMS that this system does not have installed."""
    return tuple(name for name in PROGRAMS if not _which(name))


def _which(name: str) -> Path | None:
    """Return the installed program `name`, also where PATH lacks the administrator's folders."""
    path = ":".join([os.environ.get("PATH", ""), *SYSTEM_FOLDERS])
    found = shutil.which(name, path=path)
    return Path(found) if found else None


def _installed() -> Installation | None:
    """Return the system's own Slurm if all of its programs are there."""
    programs = {name: _which(name) for name in PROGRAMS}
    if not all(programs.values()):
        return None
    return _verified(Path("/"), None, programs)


def _root(folder: Path) -> Path:
    """Return where packages are unpacked: libraries fit one release and one processor only."""
    try:
        release = platform.freedesktop_os_release()
        system = f"{release.get('ID', 'linux')}-{release.get('VERSION_ID', 'rolling')}"
    except OSError:
        system = platform.system().lower()
    return folder.absolute() / f"{system}-{platform.machine()}"


def _inspect(root: Path) -> Installation | None:
    """Return the Slurm that is unpacked in `root`, or None."""
    plugins = next(iter(sorted(root.glob("usr/lib/*/*/auth_munge.so"))), None)
    programs = {}
    for name in PROGRAMS:
        places = [root / "usr/sbin" / name, root / "usr/bin" / name]
        programs[name] = next((place for place in places if os.access(place, os.X_OK)), None)
    if plugins is None or not all(programs.values()):
        return None
    return _verified(root, plugins.parent, programs)


def _verified(root: Path, plugins: Path | None, programs: dict) -> Installation | None:
    """Return the installation with its version if its programs start, else None."""
    draft = Installation(root, plugins, programs, ())
    environment = {**os.environ, **draft.environment()}
    try:
        for name in ("munged", "slurmd"):
            _run([str(programs[name]), "--version" if name == "munged" else "-V"], environment)
        answer = _run([str(programs["slurmctld"]), "-V"], environment)
    except (OSError, subprocess.CalledProcessError):
        return None
    numbers = re.search(r"(\d+)\.(\d+)\.(\d+)", answer)
    version = tuple(int(number) for number in numbers.groups()) if numbers else ()
    return Installation(root, plugins, programs, version)


def _fetch(
    root: Path, progress: Callable[[str], None], packages: tuple[str, ...] = PACKAGES
) -> None:
    """Download `packages` and unpack them; `root` appears at the end, complete."""
    with (
        tempfile.TemporaryDirectory(prefix="minga-apt-") as private,  # apt dislikes odd paths
        tempfile.TemporaryDirectory(prefix=".unpack-", dir=root.parent) as unpack,
    ):
        work = Path(private)
        environment = {**os.environ, "APT_CONFIG": str(_apt_settings(work)), "LC_ALL": "C"}
        progress("Reading the package lists of this system's release …")
        # Its exit status counts for nothing: one unreachable third-party source spoils it.
        subprocess.run(
            ["apt-get", "-q", "update"],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        progress(f"Downloading {', '.join(packages)} and what they need …")
        command = ["apt-get", "-q", "-y", "--no-install-recommends", "--download-only", "install"]
        _run([*command, *packages], environment)
        progress("Unpacking them …")
        new = Path(unpack, "root")
        new.mkdir(mode=0o755)
        for package in sorted((work / "cache/archives").glob("*.deb")):
            _run(["dpkg-deb", "-x", str(package), str(new)], environment)
        _link_plain_names(new)
        _make_movable(new)
        if root.exists():  # what an older set-up left, and _inspect refused
            shutil.rmtree(root)
        os.rename(new, root)


def _apt_settings(work: Path) -> Path:
    """Write apt's settings for one private download, and return the file.

    They are the system's (proxies, sources), without the hooks that run after an update, with
    lists and caches below `work`. What is fetched counts as not installed, so that a half
    installed Slurm (clients only, say) is completed from one version.
    """
    for folder in ("lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    status = Path("/var/lib/dpkg/status").read_text(errors="replace")
    kept = [
        stanza
        for stanza in status.split("\n\n")
        if not re.match(r"Package: \S*(slurm|munge|bubblewrap)", stanza.lstrip())
    ]
    (work / "status").write_text("\n\n".join(kept))
    system = _run(["apt-config", "dump"], dict(os.environ)).splitlines()
    hooks = re.compile(r"(APT::Update::P|DPkg::P|Dir::Etc::(parts|main) )", re.IGNORECASE)
    ours = {
        "Dir::Etc::parts": work / "none",
        "Dir::Etc::main": work / "none",
        "Dir::State::lists": work / "lists",
        "Dir::State::status": work / "status",
        "Dir::Cache": work / "cache",
        "APT::Sandbox::User": "",
        "Debug::NoLocking": "1",
    }
    lines = [line for line in system if not hooks.match(line)]
    lines += [f'{key} "{value}";' for key, value in ours.items()]
    settings = work / "apt.conf"
    settings.write_text("\n".join(lines) + "\n")
    return settings


def _link_plain_names(root: Path) -> None:
    """Give `slurmd-wlm` and its like the names that dpkg's alternatives would give them.

    Under their packaged names they silently drop all GPUs.
    """
    for program in [*root.glob("usr/sbin/*-wlm"), *root.glob("usr/bin/*-wlm")]:
        plain = program.with_name(program.name.removesuffix("-wlm"))
        if not plain.exists():
            plain.symlink_to(program.name)


def _make_movable(root: Path) -> None:
    """Let slurmstepd find its libraries relative to itself.

    Newer ones start themselves again inside a job's environment, which may lack our
    LD_LIBRARY_PATH; the folder that is written into the program is the installed package's.
    """
    program = root / "usr/sbin/slurmstepd"
    if not program.exists():
        return
    for library in root.glob("usr/lib/*/*/libslurmfull.so"):
        old = b"\0/" + str(library.parent.relative_to(root)).encode() + b"\0"
        link = root / "usr/lib" / library.parent.name
        new = f"\0$ORIGIN/../lib/{link.name}".encode()
        content = program.read_bytes()
        if len(new) < len(old) and old in content and not link.exists():
            link.symlink_to(library.parent.relative_to(link.parent))
            program.write_bytes(content.replace(old, new.ljust(len(old), b"\0")))
        for other in library.parent.parent.glob("lib*.so.*"):  # hwloc and its like
            beside = library.parent / other.name
            if not beside.is_symlink():
                beside.symlink_to(Path("..", other.name))


def _run(command: list[str], environment: dict[str, str]) -> str:
    """Run `command` and return what it prints; raises OSError or CalledProcessError."""
    return subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=True,
    ).stdout


def _words(error: Exception) -> str:
    """Return the telling lines of a failed command."""
    if not isinstance(error, subprocess.CalledProcessError):
        return str(error)
    lines = [line for line in (error.stderr or "").splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("E:", "dpkg"))] or lines
    return f"{' '.join(error.cmd[:1])}: " + " ".join(told[-3:])
