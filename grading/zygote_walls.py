"""The walls around one run, built by the child that the zygote forked; Linux only.

Runs inside bubblewrap, where only the standard library and the notebook environment are there.
Python 3.11 has no `os.unshare`, `mount` or `prctl`: they are called through ctypes.
"""

import ctypes
import fcntl
import os
import platform
import resource
import socket
import struct
import sys

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 0x1000, 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP = 1, 4, 22
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
CAPABILITY_VERSION_3 = 0x20080522
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1

STUDENT_ID = 1000  # who the student's code is, inside
NOT_ROOT = 65533  # who it is for the system where root grades: reserved by Debian, nobody's

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def prctl(option: int, value: int = 0, third: object = 0) -> None:
    """Call prctl(2); raises OSError."""
    _check(_libc.prctl(option, value, third, 0, 0), f"prctl {option}")


def mount(kind: str, target: str, flags: int, options: str = "") -> None:
    """Mount a fresh file system of `kind`; raises OSError."""
    data = options.encode() or None
    _check(_libc.mount(kind.encode(), target.encode(), kind.encode(), flags, data), target)


def leave_root() -> None:
    """Give up root for good: an unused account, no groups, no capabilities.

    Mounts /proc first: an account without rights may mount another one later only where it sees
    one that is not partly covered, as bubblewrap's is when root starts it.
    """
    mount("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    os.setgroups([])
    os.setresgid(NOT_ROOT, NOT_ROOT, NOT_ROOT)
    os.setresuid(NOT_ROOT, NOT_ROOT, NOT_ROOT)


def new_namespaces(more: int = 0) -> None:
    """Enter a user namespace of our own; what is forked next is pid 1 of a new pid namespace."""
    uid, gid = os.geteuid(), os.getegid()
    flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | more
    _check(_libc.unshare(flags), "unshare")
    prctl(PR_SET_DUMPABLE, 1)  # otherwise /proc/self belongs to the system's root
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{STUDENT_ID} {uid} 1"),
        ("gid_map", f"{STUDENT_ID} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def own_proc_and_network() -> None:
    """Show the new namespace's own processes, and have its own loopback interface."""
    _check(_libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "mount private")
    mount("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH", b"lo", IFF_UP))


def private_file_systems(tmp_bytes: int, shm_bytes: int) -> None:
    """Cover /proc, /tmp and /dev/shm with fresh ones of this run; they vanish with it.

    Call as pid 1 of the new namespace. No further user namespace can be made afterwards.
    """
    _check(_libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "mount private")
    mount("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    safe = MS_NOSUID | MS_NODEV
    kept = {place: os.open(place, os.O_PATH) for place in _python_below("/tmp")}  # noqa: S108
    mount("tmpfs", "/tmp", safe, f"size={tmp_bytes},nr_inodes=100k,mode=1777")  # noqa: S108
    for place, fd in kept.items():
        os.makedirs(place)
        source = f"/proc/self/fd/{fd}".encode()
        _check(_libc.mount(source, place.encode(), None, MS_BIND | MS_REC, None), place)
        os.close(fd)
    mount("tmpfs", "/dev/shm", safe, f"size={shm_bytes},nr_inodes=10k,mode=1777")  # noqa: S108
    with open("/proc/sys/user/max_user_namespaces", "w") as file:
        file.write("0")


def _python_below(folder: str) -> list[str]:
    """Return where this Python and its environment are, as far as that is below `folder`."""
    program = os.path.dirname(os.path.dirname(os.path.realpath(sys.executable)))
    places = {sys.prefix, sys.base_prefix, sys.base_exec_prefix, program}
    below = [place for place in places if place.startswith(folder + "/")]
    return [p for p in below if not any(p.startswith(other + "/") for other in below)]


def set_limits(limits: dict) -> None:
    """Set this process's resource limits, which its children inherit."""
    used = _address_space()
    for kind, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_FSIZE, limits["file_bytes"]),
        (resource.RLIMIT_NOFILE, 1024),
        (resource.RLIMIT_CPU, limits["cpu_seconds"]),
        # What the imported libraries have mapped already is not the student's.
        (resource.RLIMIT_AS, None if limits["gpus"] else used + limits["memory_bytes"]),
    ):
        if value is not None:
            hard = resource.getrlimit(kind)[1]
            value = int(value) if hard == resource.RLIM_INFINITY else min(int(value), hard)
            resource.setrlimit(kind, (value, value))


def _address_space() -> int:
    """Return the size of this process's address space in bytes."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def drop_capabilities() -> None:
    """Give up every capability in the namespace, and the ways to get one back."""
    last = int(open("/proc/sys/kernel/cap_last_cap").read())
    for capability in range(last + 1):
        prctl(PR_CAPBSET_DROP, capability)
    header = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, bytes(24)), "capset")
    prctl(PR_SET_NO_NEW_PRIVS, 1)


# Calls that would get around a limit or a wall, by number: (x86_64, aarch64).
# Memory that no limit counts: memfd_create, memfd_secret, shmget, and the queues of msgget.
# Kernel interfaces that a notebook has no use for and where its holes have been.
_REFUSED = {
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
}
_MACHINES = {"x86_64": (0, 0xC000003E, 41), "aarch64": (1, 0xC00000B7, 198)}
_SOCKET_FAMILIES = (1, 2, 10, 16)  # unix, IPv4, IPv6, netlink; vsock has no namespace


def refuse_system_calls() -> None:
    """Install a seccomp filter: the calls of `_REFUSED` do not exist, nor other socket families.

    On another kind of processor there is none: the namespaces and limits hold alone.
    """
    if platform.machine() not in _MACHINES or sys.maxsize < 2**32:
        return
    column, architecture, socket_call = _MACHINES[platform.machine()]
    load, equal, at_least, give = 0x20, 0x15, 0x35, 0x06
    refuse, allow, no_family = 0x00050000 | 38, 0x7FFF0000, 0x00050000 | 97  # ENOSYS, EAFNOSUPPORT
    program = [
        (load, 0, 0, 4),  # the architecture: a 32-bit call has other numbers
        (equal, 1, 0, architecture),
        (give, 0, 0, refuse),
        (load, 0, 0, 0),  # the call's number
        (at_least, 0, 1, 0x40000000),  # x32
        (give, 0, 0, refuse),
    ]
    for numbers in _REFUSED.values():
        program += [(equal, 0, 1, numbers[column]), (give, 0, 0, refuse)]
    program += [(equal, 1, 0, socket_call), (give, 0, 0, allow), (load, 0, 0, 16)]
    for family in _SOCKET_FAMILIES:
        program += [(equal, 0, 1, family), (give, 0, 0, allow)]
    program.append((give, 0, 0, no_family))

    code = b"".join(struct.pack("HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    filter_ = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(buffer))
    prctl(PR_SET_SECCOMP, 2, ctypes.c_char_p(filter_))
