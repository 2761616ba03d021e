"""Two real Slurm clusters beside each other: what they do, and what they keep away from."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from private_slurm import job_state, slurm, submit, wait_until

from spawners.cluster import processes
from spawners.cluster.__main__ import main
from spawners.cluster.cluster import ClusterError, PrivateCluster, free_ports
from spawners.cluster.description import DEFAULTS, ClusterDescription, NodeDescription

pytestmark = pytest.mark.slow


def wait_for_line(path: Path, line: str) -> str:
    return wait_until(lambda: path.exists() and line in path.read_text() and path.read_text())


def test_all_daemons_listen_on_loopback_only(clusters):
    for cluster in clusters.values():
        listening = set()
        members = processes.members(cluster.folder, cluster._run)
        assert len(members) >= 4
        for process in members:
            for connection in process.net_connections("inet"):
                if connection.status == psutil.CONN_LISTEN:
                    assert connection.laddr.ip.startswith("127."), (process, connection)
                    listening.add(connection.laddr.port)
        assert listening == set(cluster.ports)


def test_a_job_gets_its_gpus_and_its_node_and_finds_slurm(clusters, tmp_path):
    for name, kind in (("chile", "a100"), ("colombia", "h100")):
        output = tmp_path / name
        script = (
            'echo "id $SLURM_JOB_ID node $SLURMD_NODENAME gpus $CUDA_VISIBLE_DEVICES"\n'
            "squeue --noheader --format='mine %A' --job=$SLURM_JOB_ID\n"
            "srun --ntasks=2 sh -c 'echo task $SLURM_PROCID'\n"
            "sbatch --parsable --wrap=true >/dev/null && echo submitted\n"
            "echo end"
        )
        # Without the submitter's environment: the cluster itself must give what jobs need.
        options = ["--export=NONE", f"--gpus={kind}:2", f"--nodelist={name}-n1", "--ntasks=2"]
        job = submit(clusters[name], script, output, *options)
        lines = wait_for_line(output, "end\n").splitlines()
        assert lines[0] == f"id {job} node {name}-n1 gpus 0,1"
        assert lines[1] == f"mine {job}"
        assert sorted(lines[2:4]) == ["task 0", "task 1"]
        assert lines[4:] == ["submitted", "end"]


def test_two_jobs_get_different_gpus(clusters, tmp_path):
    script = 'echo "gpus $CUDA_VISIBLE_DEVICES"; sleep 60'
    jobs = [
        submit(clusters["chile"], script, tmp_path / n, "--gpus=1", "--nodelist=chile-n0")
        for n in "ab"
    ]
    texts = {wait_for_line(tmp_path / n, "gpus").strip() for n in "ab"}
    slurm(clusters["chile"], "scancel", *jobs)
    assert texts == {"gpus 0", "gpus 1"}


@pytest.mark.parametrize("gpus", ["--gpus-per-node=5", "--gpus=h100:1", "--time=9:00:00"])
def test_more_than_there_is_is_refused(clusters, tmp_path, gpus):
    done = slurm(
        clusters["chile"], "sbatch", gpus, "--wrap=true", f"--output={tmp_path}/o", check=False
    )
    if gpus.startswith("--time"):  # over the partition's limit: Slurm keeps it, never runs it
        job = done.stdout.split()[-1]
        assert job_state(clusters["chile"], job) == "PENDING"
        slurm(clusters["chile"], "scancel", job)
    else:
        assert done.returncode != 0 and "Requested node configuration" in done.stderr


def test_queues_are_separate_and_both_have_job_1(fresh_cluster, tmp_path):
    chile, colombia = fresh_cluster("chile"), fresh_cluster("colombia")
    assert submit(chile, "sleep 60", tmp_path / "a") == "1"
    wait_until(lambda: job_state(chile, "1") == "RUNNING")
    assert slurm(colombia, "squeue", "--noheader").stdout == ""
    assert submit(colombia, "sleep 60", tmp_path / "b") == "1"
    slurm(chile, "scancel", "1")
    wait_until(lambda: job_state(chile, "1") == "CANCELLED")
    assert job_state(colombia, "1") in ("PENDING", "RUNNING")


def test_a_second_start_reuses_what_runs(fresh_cluster):
    first = fresh_cluster("chile")
    pids = first.status().daemons
    assert all(pids.values()) and first.is_running()
    said = []
    second = PrivateCluster(DEFAULTS["chile"], first.folder, free_ports(3), first.installation)
    second.start(said.append)
    assert second.status().daemons == pids
    assert second.ports == first.ports
    assert second.environment() == first.environment()
    assert said == ["Slurm cluster chile is running already"]


def test_another_description_is_refused_while_it_runs(fresh_cluster):
    first = fresh_cluster("chile")
    other = DEFAULTS["chile"].model_copy(update={"max_hours": 1})
    second = PrivateCluster(other, first.folder, free_ports(3), first.installation)
    with pytest.raises(ClusterError, match="stop it first"):
        second.start()
    assert first.is_running()


@pytest.mark.parametrize("victims", [["slurmctld"], ["chile-n0"], ["munged", "slurmctld"]])
def test_killed_daemons_start_again_and_jobs_go_on(fresh_cluster, tmp_path, victims):
    cluster = fresh_cluster("chile")
    script = f"echo $$; while [ ! -e {tmp_path}/go ]; do sleep 0.1; done; echo end"
    running = submit(cluster, script, tmp_path / "r", "-w", "chile-n0")
    waiting = submit(cluster, "true", tmp_path / "w", "--hold")
    pid = int(wait_until(lambda: (tmp_path / "r").exists() and (tmp_path / "r").read_text()))
    wait_until(lambda: job_state(cluster, running) == "RUNNING")
    saved = cluster.folder / "state" / "job_state"  # slurmctld writes it every few seconds
    now = time.time()
    wait_until(lambda: saved.exists() and saved.stat().st_mtime > now)
    before = cluster.status().daemons
    for victim in victims:
        os.kill(before[victim], signal.SIGKILL)
    wait_until(lambda: not cluster.is_running())
    again = PrivateCluster(cluster.description, cluster.folder, free_ports(3), cluster.installation)
    again.start()
    after = again.status().daemons
    assert {name for name in after if after[name] != before[name]} == set(victims)
    assert psutil.pid_exists(pid)
    assert job_state(again, running) == "RUNNING"
    assert job_state(again, waiting) == "PENDING"
    (tmp_path / "go").touch()
    wait_for_line(tmp_path / "r", "end\n")
    wait_until(lambda: job_state(again, running) == "COMPLETED")


def test_stop_takes_everything_of_its_own_and_nothing_else(fresh_cluster, tmp_path):
    chile, colombia = fresh_cluster("chile"), fresh_cluster("colombia")
    bystander = subprocess.Popen(  # named like a daemon, and it even has the configuration
        ["slurmctld", "60"],
        executable=shutil.which("sleep"),
        env={**os.environ, **chile.environment()},
    )
    other = submit(colombia, "sleep 60", tmp_path / "other")
    script = (
        "trap '' TERM\n"
        "setsid sh -c 'trap \"\" TERM; echo pid $$; while :; do sleep 1; done' &\n"
        "env -i setsid sh -c 'trap \"\" TERM; echo pid $$; while :; do sleep 1; done' &\n"
        "(setsid sh -c 'trap \"\" TERM; echo pid $$; while :; do sleep 1; done' &)\n"
        "sleep 1; echo ready; while :; do sleep 1; done"
    )
    submit(chile, script, tmp_path / "stubborn")
    submit(chile, "true", tmp_path / "held", "--hold")
    text = wait_for_line(tmp_path / "stubborn", "ready")
    pids = [int(line.split()[1]) for line in text.splitlines() if line.startswith("pid")]
    everything = processes.members(chile.folder, chile._run)
    assert len(pids) == 3 and set(pids) < {process.pid for process in everything}
    run = chile._run
    wait_until(lambda: job_state(colombia, other) == "RUNNING")

    chile.stop()

    assert not [p for p in everything if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    assert not processes.members(chile.folder, run) and not run.exists()
    assert not chile.is_running()
    assert colombia.is_running() and job_state(colombia, other) == "RUNNING"
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    chile.stop()  # once more does nothing

    chile.start()  # the queue is empty, and no job id comes back
    assert slurm(chile, "squeue", "--noheader").stdout == ""
    assert submit(chile, "true", tmp_path / "next") == "3"


def test_stop_empties_the_queue_although_slurmctld_was_killed(fresh_cluster, tmp_path):
    cluster = fresh_cluster("chile")
    submit(cluster, "true", tmp_path / "held", "--hold")
    os.kill(cluster.status().daemons["slurmctld"], signal.SIGKILL)
    cluster.stop()
    cluster.start()
    assert slurm(cluster, "squeue", "--noheader").stdout == ""


def test_an_odd_deep_group_writable_path(fresh_cluster, tmp_path):
    folder = tmp_path / "año #1 (50%n)" / ("d" * 100)
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    cluster = fresh_cluster("chile", folder)
    submit(cluster, 'echo "gpus $CUDA_VISIBLE_DEVICES"; squeue -h; echo end', tmp_path / "o")
    job = submit(cluster, 'echo "gpus $CUDA_VISIBLE_DEVICES"; echo end', tmp_path / "p", "-G1")
    assert "gpus 0" in wait_for_line(tmp_path / "p", "end")
    assert job == "2"


def test_a_port_that_is_taken_is_told_with_the_logs_words(slurm_installation, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = [taken.getsockname()[1], *free_ports(2)]
        cluster = PrivateCluster(DEFAULTS["chile"], tmp_path / "c", ports, slurm_installation)
        with pytest.raises(ClusterError, match=r"slurmctld[\s\S]*Address already in use"):
            cluster.start()
    assert not processes.marked(cluster.folder) and not cluster._run.exists()


def test_nodes_of_different_kinds(slurm_installation, tmp_path):
    nodes = (
        NodeDescription(name="plain", cpus=2, memory_mb=1000),
        NodeDescription(name="one", cpus=40, memory_mb=200_000, gpu_type="l40s", gpus=1),
    )
    description = ClusterDescription(name="mixed", nodes=nodes, partition="all", max_hours=2)
    cluster = PrivateCluster(description, tmp_path / "c", free_ports(3), slurm_installation)
    try:
        cluster.start()
        submit(cluster, "echo $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES", tmp_path / "o", "-G1")
        wait_for_line(tmp_path / "o", "one 0\n")
    finally:
        cluster.stop()


def test_the_command_line(tmp_path, capfd):
    folder = f"--folder={tmp_path / 'by hand'}"
    try:
        assert main(["start", "chile", folder]) == 0
        assert main(["status", "chile", folder]) == 0
        out = capfd.readouterr().out
        assert "chile: running" in out and "chile-n1: idle" in out and "SLURM_CONF=" in out
        assert main(["status", folder]) == 1
        assert "colombia: not running" in capfd.readouterr().out
    finally:
        assert main(["stop", folder]) == 0
    assert main(["status", folder]) == 1


def test_ctrl_c_does_not_reach_the_daemons(slurm_installation, tmp_path):
    script = (
        "import sys; from spawners.cluster.__main__ import main;"
        f"main(['start', 'chile', '--folder={tmp_path}']); print('up', flush=True);"
        "import time; time.sleep(60)"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    while starter.stdout.readline() != "up\n":
        assert starter.poll() is None
    os.killpg(starter.pid, signal.SIGINT)  # what a terminal does
    starter.wait(10)
    time.sleep(0.2)
    cluster = PrivateCluster.load(tmp_path / "chile", slurm_installation)
    try:
        assert cluster.is_running()
    finally:
        cluster.stop()
