"""The short private folder of a cluster's sockets, key and job scripts.

A Unix socket's path has 107 bytes at most, and munge refuses folders that others may write to:
both say nothing good of a checkout's path. So these live in a folder of their own, whose name
follows from the cluster's folder.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

KEY_BYTES = 128


class RunFolderError(RuntimeError):
    """The run folder belongs to somebody else, or no place for one was found."""


def choose(folder: Path) -> Path:
    """Return the run folder for the cluster in `folder`; raises RunFolderError."""
    digest = hashlib.sha256(f"{os.getuid()}:{folder}".encode()).hexdigest()[:12]
    for base in dict.fromkeys([tempfile.gettempdir(), "/tmp", "/var/tmp"]):  # noqa: S108
        candidate = Path(base).resolve() / f"minga-{digest}"
        if len(str(candidate)) <= 40 and str(candidate).isascii() and _fits(candidate.parent):
            return candidate
    raise RunFolderError("No place for Slurm's sockets: make /tmp writable and executable for you")


def create(run: Path) -> None:
    """Make the run folder, or check that the one that is there is ours alone."""
    try:
        run.mkdir(mode=0o711)
    except FileExistsError:
        pass
    _check(run)
    run.chmod(0o711)  # job owners reach munge's socket in it; they cannot list it


def link(place: Path, target: Path) -> None:
    """Make `place` a symbolic link to `target`."""
    if not place.is_symlink() or place.readlink() != target:
        place.unlink(missing_ok=True)
        place.symlink_to(target)


def munge_key(run: Path) -> Path:
    """Return the file of the cluster's secret, made of random bytes at the first call."""
    key = run / "munge.key"
    try:
        descriptor = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    except FileExistsError:
        if key.stat().st_size == KEY_BYTES:
            return key
        key.unlink()  # an interrupted start left a piece
        return munge_key(run)
    with open(descriptor, "wb") as file:
        file.write(os.urandom(KEY_BYTES))
    return key


def remove(run: Path) -> None:
    """Remove the run folder and what is in it, if it is there and ours."""
    if run.exists():
        _check(run)
        shutil.rmtree(run)


def _check(run: Path) -> None:
    """Raise RunFolderError unless `run` is a real folder that only we can write to."""
    found = run.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise RunFolderError(
            f"{run} is there, but it is not a folder of this account alone; "
            "look at it and remove it"
        )


def _fits(base: Path) -> bool:
    """Return whether `base` can hold a run folder: ours or sticky, writable, programs may run."""
    try:
        found = base.stat()
        unsafe = found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX
        noexec = os.statvfs(base).f_flag & os.ST_NOEXEC  # job scripts are started from here
    except OSError:
        return False
    return not unsafe and not noexec and os.access(base, os.W_OK | os.X_OK)
