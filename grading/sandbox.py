"""The sandbox around student code: bubblewrap's command line, limits, and what to do without.

What student code sees: the system's programs and libraries and the notebook environment,
read-only; an empty /tmp; no network, no home folder, no environment variable of the grader.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from translation.sentences import Message

from .errors import SandboxUnavailable

CHECKOUT = Path(__file__).resolve().parent.parent
FETCHED = CHECKOUT / ".minga" / "bubblewrap"  # where deploy/install.py unpacks it
INSIDE = "/run/minga"  # where zygote*.py are, inside

_SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_USR = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec", "share")
_ETC = (
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "alternatives",
    "fonts",
    "localtime",
    "timezone",
    "mime.types",
    "ssl/certs",
    "ssl/openssl.cnf",
)
_ACCOUNTS = {
    "/etc/passwd": "root:x:0:0::/root:/usr/sbin/nologin\n"
    "estudiante:x:1000:1000::/tmp/home:/bin/bash\n",
    "/etc/group": "root:x:0:\nestudiante:x:1000:\n",
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}

HOW_TO_ALLOW = """\
  Ubuntu 24.04 +:  sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0
  Debian (10 -):   sudo sysctl -w kernel.unprivileged_userns_clone=1
  RHEL, Rocky:     sudo sysctl -w user.max_user_namespaces=15000
  Docker, Podman:  --security-opt seccomp=unconfined --security-opt systempaths=unconfined
                   --cap-add SYS_ADMIN (as root)"""
NEEDED = Message(
    "Para calificar hace falta bubblewrap, que aísla el código de los estudiantes.\n"
    "Corre `make hub`, que lo descarga, o pide a quien administra esta máquina:\n"
    "  sudo apt-get install bubblewrap"
)
NOT_ALLOWED = Message(
    "Esta máquina no permite aislar el código de los estudiantes (espacios de nombres de\n"
    "usuario), y sin eso no se califica. Dijo: {said}\n"
    "Quien administra esta máquina puede permitirlo:\n{how}\n"
    "  (para siempre: en /etc/sysctl.d/60-minga.conf)"
)


@dataclass(frozen=True)
class Limits:
    """What one run may use. Sizes are in bytes, times in seconds.

    Memory and CPU time are those of all its processes together, above what the imported
    libraries hold. `processes` counts threads too. `output_bytes` is what the kernel may send
    in a whole run. `gpus` hands over the machine's NVIDIA devices.
    """

    memory_bytes: int = 4 << 30
    processes: int = 128 + 6 * (os.cpu_count() or 1)
    cpu_seconds: int = 3600
    wall_seconds: int = 1800
    cell_seconds: int = 60
    output_bytes: int = 32 << 20
    file_bytes: int = 512 << 20
    tmp_bytes: int = 512 << 20
    shm_bytes: int = 256 << 20
    gpus: bool = False

    def but(self, **changes) -> "Limits":
        """Return these limits with some changed."""
        return replace(self, **changes)


def bubblewrap() -> Path:
    """Return the program, installed or fetched by deploy/install.py; raises SandboxUnavailable."""
    found = shutil.which("bwrap", path=os.environ.get("PATH", os.defpath) + ":/usr/bin:/bin")
    if found:
        return Path(found)
    for unpacked in sorted(FETCHED.glob("*/usr/bin/bwrap")):
        if os.access(unpacked, os.X_OK) and _starts(unpacked):
            return unpacked
    raise SandboxUnavailable(NEEDED)


def libraries() -> dict[str, str]:
    """Return the environment in which an unpacked bubblewrap finds what it needs."""
    folders = sorted({str(file.parent) for file in FETCHED.glob("*/usr/lib/*/lib*.so.*")})
    return {"LD_LIBRARY_PATH": ":".join(folders)} if folders else {}


def _starts(program: Path) -> bool:
    done = subprocess.run([program, "--version"], env=libraries(), capture_output=True)
    return done.returncode == 0


def not_allowed(what_it_said: str) -> SandboxUnavailable:
    """Return the error for a system that does not let us make the sandbox."""
    said = what_it_said.strip()[-1500:]
    return SandboxUnavailable(NOT_ALLOWED.filled(said=said, how=HOW_TO_ALLOW))


def command(gpus: bool = False) -> tuple[list[str], list[int]]:
    """Return bubblewrap's command line for the zygote, and the descriptors to pass on.

    The caller closes the descriptors. Raises SandboxUnavailable.
    """
    arguments = [str(bubblewrap())]
    arguments += "--unshare-pid --unshare-net --unshare-ipc --unshare-uts".split()
    arguments += "--unshare-cgroup-try --new-session --clearenv --hostname minga".split()
    root = os.geteuid() == 0
    if root:  # the zygote mounts /proc, then gives root up: see zygote_walls.leave_root
        arguments += "--cap-add ALL --dir /proc".split()
    else:
        arguments += "--unshare-user --proc /proc".split()
    for name, value in _environment().items():
        arguments += ["--setenv", name, value]
    # The zygote's own /tmp: each run covers it with another. First, for a checkout may be below.
    arguments += ["--perms", "1777", "--size", str(64 << 20), "--tmpfs", "/tmp"]  # noqa: S108
    places = _places()
    for parent in _parents([*places, INSIDE + "/x", *_ACCOUNTS]):
        arguments += ["--dir", parent]
    for name in _SYSTEM:
        folder = Path("/", name)
        if folder.is_symlink():
            arguments += ["--symlink", os.readlink(folder), str(folder)]
        elif folder.is_dir():
            arguments += ["--ro-bind", str(folder), str(folder)]
    for place in places:
        if place in _hidden():
            arguments += ["--tmpfs", place]
        else:
            arguments += ["--ro-bind-try", place, place]
    for file in sorted((CHECKOUT / "grading").glob("zygote*.py")):
        arguments += ["--ro-bind", str(file), f"{INSIDE}/{file.name}"]
    arguments += ["--dev", "/dev"]
    if gpus:
        for device in sorted(Path("/dev").glob("nvidia*")):
            arguments += ["--dev-bind", str(device), str(device)]
    descriptors = []
    for path, text in _ACCOUNTS.items():
        descriptors.append(os.memfd_create("minga"))
        os.write(descriptors[-1], text.encode())
        os.lseek(descriptors[-1], 0, os.SEEK_SET)
        arguments += ["--perms", "0644", "--ro-bind-data", str(descriptors[-1]), path]
    arguments += ["--remount-ro", "/dev", "--remount-ro", "/"]
    arguments += ["--", sys.executable, f"{INSIDE}/zygote.py"]
    return arguments, descriptors


def _environment() -> dict[str, str]:
    """Return the variables of every run; none of the grader's own reaches a student's code."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp/home",  # noqa: S108
        "USER": "estudiante",
        "LOGNAME": "estudiante",
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "TERM": "xterm-color",
    }


def run_environment() -> dict[str, str]:
    """Return the variables of a kernel: those, and what nbgrader tells the code it grades."""
    said = os.environ.get("NBGRADER_EXECUTION")
    return {**_environment(), **({"NBGRADER_EXECUTION": said} if said else {})}


def _places() -> list[str]:
    """Return the folders to show, outer before inner, hidden ones among them."""
    places = [f"/usr/{name}" for name in _USR] + [f"/etc/{name}" for name in _ETC]
    places = [place for place in places if os.path.exists(place)]
    for prefix in dict.fromkeys([sys.base_prefix, sys.base_exec_prefix, sys.prefix]):
        if prefix == "/usr":
            continue
        if prefix == "/usr/local":
            places += ["/usr/local/bin", "/usr/local/lib"]
        else:
            places.append(prefix)
    # A link in the way to the interpreter: what it points to must be there too.
    places.append(os.path.dirname(os.path.dirname(os.path.realpath(sys.executable))))
    too_much = ("/", "/usr", "/usr/local")
    shown = [place for place in dict.fromkeys(places) if place not in too_much]
    return sorted(dict.fromkeys(shown + [h for h in _hidden() if _within(h, shown)]), key=_depth)


def _hidden() -> list[str]:
    """Return folders with secrets, covered where they lie below one that is shown."""
    course = os.environ.get("MINGA_COURSE_ROOT")
    folders = [CHECKOUT, Path.home(), *([Path(course)] if course else [])]
    return [str(folder) for folder in folders if str(folder) not in ("/", sys.prefix)]


def _within(place: str, others: list[str]) -> bool:
    return any(Path(other) in Path(place).parents for other in others)


def _depth(place: str) -> int:
    return place.count("/")


def _parents(places: list[str]) -> list[str]:
    """Return the folders above `places`: bubblewrap itself would make them unreadable to others."""
    above = {str(folder) for place in places for folder in Path(place).parents}
    covered = [place for place in places if place not in _hidden()]
    return sorted(
        (a for a in above if a != "/" and a not in covered and not _within(a, covered)), key=_depth
    )
