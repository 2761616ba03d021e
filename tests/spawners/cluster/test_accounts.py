"""The private cluster as root (jobs of other accounts) and as an ordinary account."""

import os
import pwd
import shutil
import traceback
from dataclasses import replace

import psutil
import pytest
from private_slurm import slurm, submit, wait_until

from spawners.cluster import runfolder
from spawners.cluster.cluster import PrivateCluster, free_ports
from spawners.cluster.description import DEFAULTS

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def public_installation(slurm_installation, public_folder):
    """Slurm's programs where other accounts can reach them, wherever the checkout is."""
    if not slurm_installation.extracted:
        return slurm_installation
    old, new = slurm_installation.root, public_folder / "programs"
    shutil.copytree(old, new, symlinks=True)
    return replace(
        slurm_installation,
        root=new,
        plugins=new / slurm_installation.plugins.relative_to(old),
        programs={
            name: new / path.relative_to(old) for name, path in slurm_installation.programs.items()
        },
    )


@pytest.mark.slow
@needs_root
def test_root_runs_jobs_as_the_account_that_submits(public_installation, public_folder):
    nobody = pwd.getpwnam("nobody")
    cluster = PrivateCluster(
        DEFAULTS["chile"], public_folder / "chile", free_ports(3), public_installation
    )
    output = public_folder / "out"
    output.touch()
    os.chown(output, nobody.pw_uid, nobody.pw_gid)
    try:
        cluster.start()
        script = 'id -u; echo "gpus $CUDA_VISIBLE_DEVICES"; squeue -h -o "of %u"; sleep 60'
        job = submit(cluster, script, output, "-G1", user="nobody", group=nobody.pw_gid)
        wait_until(lambda: output.read_text() == f"{nobody.pw_uid}\ngpus 0\nof nobody\n")
        pids = slurm(cluster, "scontrol", "listpids", job, "chile-n0").stdout.split("\n")[1:]
        owners = {psutil.Process(int(line.split()[0])).uids().real for line in pids if line}
        assert nobody.pw_uid in owners
    finally:
        cluster.stop()
    assert not [p for p in psutil.process_iter(["uids", "cmdline"]) if _is_of_job(p, nobody)]


def _is_of_job(process, account) -> bool:
    return process.info["uids"].real == account.pw_uid and "sleep" in (
        process.info["cmdline"] or []
    )


@pytest.mark.slow
@needs_root
def test_an_ordinary_account_can_do_it_all(public_installation, public_folder):
    nobody = pwd.getpwnam("nobody")
    home = public_folder / "home"
    home.mkdir()
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    result = home / "result"
    child = os.fork()  # not a new Python: the checkout's may be out of this account's reach
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
            os.environ.update(HOME=str(home), USER="nobody", LOGNAME="nobody")
            os.chdir(home)
            _start_submit_stop(public_installation, home)
            status = 0
        except BaseException:
            result.write_text(traceback.format_exc())
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert status == 0, result.read_text()
    assert (home / "out").read_text().splitlines()[0] == f"{nobody.pw_uid} chile-n1 0,1"
    assert (home / "out").stat().st_uid == nobody.pw_uid


def _start_submit_stop(installation, home) -> None:
    cluster = PrivateCluster(DEFAULTS["chile"], home / "chile", free_ports(3), installation)
    try:
        cluster.start()
        script = 'echo "$(id -u) $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES"; setsid sleep 60'
        submit(cluster, script, home / "out", "--gpus=2", "--nodelist=chile-n1")
        wait_until(lambda: (home / "out").exists() and (home / "out").read_text())
        assert {p.uids().real for p in psutil.process_iter() if _runs_from(p, cluster)} == {
            os.getuid()
        }
    finally:
        run = cluster._run
        cluster.stop()
    assert not cluster.is_running() and not run.exists()


def _runs_from(process, cluster) -> bool:
    try:
        return str(cluster.folder) in " ".join(process.cmdline())
    except psutil.Error:
        return False


def test_a_run_folder_of_somebody_else_is_refused(tmp_path):
    run = runfolder.choose(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run.symlink_to(elsewhere)
    try:
        with pytest.raises(runfolder.RunFolderError, match="account"):
            runfolder.create(run)
        with pytest.raises(runfolder.RunFolderError):
            runfolder.remove(run)
        assert elsewhere.is_dir()
    finally:
        run.unlink()
    if os.getuid() == 0:
        run.mkdir(mode=0o755)
        os.chown(run, 65534, 65534)
        try:
            with pytest.raises(runfolder.RunFolderError):
                runfolder.create(run)
        finally:
            run.rmdir()


def test_the_run_folder_is_private_and_its_key_secret(tmp_path):
    run = runfolder.choose(tmp_path)
    runfolder.create(run)
    try:
        assert run.stat().st_mode & 0o777 == 0o711
        key = runfolder.munge_key(run)
        assert key.stat().st_mode & 0o777 == 0o400
        secret = key.read_bytes()
        assert len(secret) == 128 and runfolder.munge_key(run).read_bytes() == secret
    finally:
        runfolder.remove(run)
    assert not run.exists()
