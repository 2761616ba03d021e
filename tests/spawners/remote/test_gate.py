"""The gate carries out what sites.py asks, and nothing else, whatever the hub's key sends."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from hub_config import account_plan
from spawners import gate
from spawners.accounted import command as accounting
from spawners.capacity import SINFO, Need, SiteCapacity
from spawners.listing import ALL_JOBS, Comments, Listing
from spawners.login_node import LoginNode, unreachable
from spawners.messages import Message
from spawners.queue import SiteQueue
from spawners.quota import question
from spawners.sites import SchedulerError, SlurmSite, refusal
from tests.conftest import ROOT, in_a_loop_of_its_own

GATE = ROOT / "spawners" / "gate.py"
PROGRAM = """#!/bin/sh
echo "$0 $* $SLURM_TIME_FORMAT$SLURM_CONF$LD_PRELOAD"
cat
"""


@pytest.fixture
def there(tmp_path) -> Path:
    """A login node's programs, which say how they were called and what they were given."""
    for name in ("squeue", "sbatch", "scontrol", "become"):
        (tmp_path / name).write_text(PROGRAM)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "become").write_text('#!/bin/sh\necho "as $1" >&2\nshift\nexec "$@"\n')
    return tmp_path


def ask(there: Path, request, *become: str, environment: dict | None = None):
    text = request if isinstance(request, str) else json.dumps(request)
    return subprocess.run(
        [sys.executable, "-I", "-S", str(GATE), *become],
        input=text,
        capture_output=True,
        text=True,
        env={"PATH": f"{there}:/usr/bin:/bin", "SLURM_CONF": "/site's own", **(environment or {})},
    )


def test_all_that_the_hub_asks_is_a_question():
    asked = []

    async def remember(command):
        asked.append(list(command))
        return "", ""

    capacity = SiteCapacity("x", "gpu", SiteQueue("x", remember), remember)
    in_a_loop_of_its_own(capacity._expected)(Need(4, 4096, 1), 2)
    asked += [Listing().command, Comments().command, ALL_JOBS, SINFO, accounting(["1", "2"])]
    asked += [["scontrol", "--oneliner", "show", "reservation"], ["date", "+%s"]]
    asked += [["scontrol", "show", "hostnames", "n[1-2]"], ["scontrol", "show", "job", "7"]]
    asked += [question(["ia", "ia-uc"]), account_plan.question("chile", ["ia", "ia-uc"])]
    asked += [[*"sacctmgr --noheader --parsable2 show user".split(), "name=minga",
               "format=AdminLevel"]]  # fmt: skip
    for command in asked:
        assert gate.only_asks(command), command


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["id"],
        ["sh", "-c", "id"],
        ["/tmp/squeue"],
        ["squeue", "--noheader", "x"],
        ["squeue", "-o", "%A"],
        ["sbatch", "--wrap=id"],
        ["sbatch", "--test-onl", "--wrap=id"],
        ["sbatch", "--test-only", "/etc/passwd"],
        ["sbatch", "--test-only", "--output=/tmp/x", "--wrap=id"],
        ["scancel", "7"],
        ["scontrol", "update", "JobId=7", "TimeLimit=1"],
        ["scontrol", "show"],
        ["scontrol", "shutdown"],
        ["scontrol", "ping", "shutdown"],
        ["squeue", "--noheader\0"],
        ["squeue", 7],
        "squeue",
        {"squeue": 1},
        ["date", "-s", "tomorrow"],
        ["sacctmgr", "show", "associations"],
        ["sacctmgr", "--immediate", "add", "account", "ia", "cluster=x", "parent=root"],
        [*question(["ia"])[:-1], "flags=assoc,users"],
        [*question(["ia"]), "x"],
        [*account_plan.question("x", ["ia"])[:-1], "format=User\n"],
        [" ".join(account_plan.question("x", ["ia"]))],
    ],
)
def test_what_is_no_question_is_refused(there, command):
    assert not gate.only_asks(command)
    done = ask(there, {"ask": command})
    assert done.returncode == 2 and done.stdout == "", done
    assert done.stderr == "minga: not a question to Slurm\n"


@pytest.mark.parametrize("text", ["", "[]", "7", "{", '"ask"', "\0", "null"])
def test_what_is_no_request_is_refused(there, text):
    done = ask(there, text)
    assert (done.returncode, done.stderr) == (2, "minga: not a request\n")


def test_a_question_is_asked_with_the_sites_own_settings(there):
    done = ask(there, {"ask": ["squeue", "--format=$(id) `id` ; %A"], "environment": {"PATH": "/"}})
    assert done.stdout == f"{there}/squeue --format=$(id) `id` ; %A %s/site's own\n"
    gone = ask(there, {"ask": ["sinfo"]}, environment={"PATH": "/nowhere"})
    assert gone.returncode == 127 and "sinfo" in gone.stderr


ACCOUNTS = {"uc", "ia-uc"}
WANTED = [
    account_plan.Account("uc", parent="root", share=3),
    account_plan.Account(
        "ia-uc", "uc", minutes=60, each=6, people=frozenset(["ana", "luis"]),
        exempt=frozenset(["luis"]),
    ),
]  # fmt: skip
OTHERWISE = {
    "uc": account_plan.Found("root", "1"),
    "ia-uc": account_plan.Found("root", "1", "7", {"ana": "5", "luis": "9"}),
}


def test_all_that_the_hub_orders_of_accounts_is_an_order_about_these_accounts(there):
    orders = account_plan.commands(WANTED, {}, "chile")
    orders += account_plan.commands(WANTED, OTHERWISE, "chile")
    assert {tuple(order[2:4]) for order in orders} == {
        ("add", "account"), ("add", "user"), ("modify", "account"), ("modify", "user")
    }  # fmt: skip
    (there / "sacctmgr").write_text(PROGRAM)
    (there / "sacctmgr").chmod(0o755)
    for order in orders:
        assert gate.books_of(order) <= ACCOUNTS, order
        done = ask(there, {"books": order}, "--accounts=uc,ia-uc", "become", "{username}")
        assert done.stdout.startswith(f"{there}/sacctmgr --immediate "), done
        # A line that names no account, or others, lets the hub change none.
        for line in ([], ["become"], ["--accounts=uc2,ia"], ["--accounts="]):
            done = ask(there, {"books": order}, *line)
            assert (done.returncode, done.stdout) == (2, ""), done
            assert "--accounts" in done.stderr


def test_the_gate_says_which_accounts_its_line_names(there):
    assert ask(there, {"books": []}, "--accounts=uc,ia-uc", "become").stdout == "uc,ia-uc\n"
    assert ask(there, {"books": []}, "become").stdout == "\n"


@pytest.mark.parametrize(
    "order",
    [
        "delete account ia-uc cluster=x",
        "add user ana account=ia-uc cluster=x adminlevel=operator",
        "modify user where name=ana set adminlevel=admin",
        "modify user where name=ana account=ia-uc cluster=x set adminlevel=admin",
        "modify user where account=ia-uc cluster=x set GrpTRESMins=gres/gpu=1",
        "modify account where name=uc,root cluster=x set fairshare=1",
        "modify account where name=root cluster=x set fairshare=1",
        "modify account where name=root cluster=x set parent=uc",
        "modify account where name=uc cluster=x set fairshare=1000000",
        "add user ana account=root cluster=x",
        "add user ana@uc.cl,--all account=ia-uc cluster=x",
        "modify account where name=fisica cluster=x set fairshare=1",
        "modify account where name=ia-uc cluster=x set parent=fisica",
        "modify account where name=ia-uc cluster=x set GrpTRESMins=cpu=1",
        "modify account where name=ia-uc cluster=x set qos+=high",
        "add account ia-uc cluster=x parent=fisica",
        "add qos ia-uc",
    ],
)
def test_no_other_order_is_taken(there, order):
    command = ["sacctmgr", "--immediate", *order.split()]
    done = ask(there, {"books": command}, "--accounts=root,uc,ia-uc")
    assert (done.returncode, done.stdout) == (2, ""), done
    assert not gate.books_of(["sacctmgr", "--immediate", order])
    assert not gate.books_of(command[:1] + command[2:])


def test_whoever_may_have_a_session_may_be_put_into_an_account():
    order = "sacctmgr --immediate add user ana,luis@uc.cl,x+y account=ia-uc cluster=x"
    assert gate.books_of(order.split()) == {"ia-uc"}
    assert gate.books_of(["id"]) == gate.books_of("id") == set()


def test_a_line_that_names_accounts_becomes_people_all_the_same(there, tmp_path):
    request = {"action": "submit", "script": "#!/bin/sh\n", "home": str(tmp_path / "home")}
    request |= {"account": "ana", "environment": {"PATH": f"{there}:/usr/bin:/bin"}}
    done = ask(there, request, "--accounts=ia", "become", "{username}")
    assert "as ana" in done.stderr and "sbatch --parsable" in done.stdout, done


def test_a_person_is_become_as_the_sites_line_says(there, tmp_path):
    home = tmp_path / "home"
    request = {"action": "submit", "script": "#!/bin/sh\n", "home": str(home), "account": "ana"}
    request["environment"] = {"PATH": f"{there}:/usr/bin:/bin"}
    done = ask(there, request, "become", "{username}")
    assert "as ana" in done.stderr and "sbatch --parsable" in done.stdout, done
    assert (home / ".minga").is_dir()
    for account in ("", "-oProxyCommand=id", "a b", "x;id", "../x", 7, None, "ana\n"):
        done = ask(there, {**request, "account": account}, "become", "{username}")
        assert done.returncode == 2 and "as " not in done.stderr, (account, done)
        assert "Invalid account" in done.stderr


def test_a_job_is_made_longer_with_nothing_of_the_hubs_environment(there):
    request = {"action": "extend", "job": "7", "minutes": 90}
    request["environment"] = {"PATH": "/tmp", "LD_PRELOAD": "/tmp/evil.so"}
    done = ask(there, request, "become", "{username}")
    assert done.stdout == f"{there}/scontrol update JobId=7 TimeLimit=90 /site's own\n", done
    assert done.stderr == ""


def test_it_needs_nothing_but_the_standard_library():
    """A login node's Python may have no packages; -I -S hides them anyway."""
    for name in ("gate", "launcher", "port", "tunnel"):
        tree = ast.parse((ROOT / "spawners" / f"{name}.py").read_text())
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert {each.split(".")[0] for each in names} <= sys.stdlib_module_names


@in_a_loop_of_its_own
async def test_a_site_elsewhere_is_asked_through_its_gate(there, monkeypatch):
    ssh = there / "ssh"
    ssh.write_text(f'#!/bin/sh\necho "$*" > {there}/said\nexec {sys.executable} -I -S {GATE}\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{there}:/usr/bin:/bin")
    node = LoginNode("minga@login.example", "/key", "/host keys", 2200, there)
    site = SlurmSite("far", login_node=node, environment={"SLURM_CONF": "not for ssh"})
    out, _ = await site.ask(["squeue", "--noheader"])
    assert out.startswith(f"{there}/squeue --noheader %s")
    said = (there / "said").read_text()
    assert said.strip().endswith("-p 2200 minga@login.example")  # and no command
    assert '-o UserKnownHostsFile="/host keys"' in said and "StrictHostKeyChecking=yes" in said
    with pytest.raises(SchedulerError, match="not a question"):
        await site.ask(["squeue", "-h"])
    site.environment["PATH"] = f"{there}:/usr/bin:/bin"
    home = str(there / "home")
    with pytest.raises(SchedulerError, match="no job id"):  # that sbatch prints something else
        await site.submit("ana", "#!/bin/sh\n", {"PATH": f"{there}:/usr/bin:/bin"}, home)
    with pytest.raises(SchedulerError, match="Invalid account"):
        await site.cancel("-oProxyCommand=id", "7")


@pytest.mark.parametrize(
    "words",
    [
        "ssh: connect to host login.example port 22: Connection refused",
        "minga@login.example: Permission denied (publickey).",
        "Host key verification failed.",
        "Connection closed by 10.0.0.1 port 22",
    ],
)
def test_an_unreachable_site_is_no_fault_of_the_students_folder(words):
    assert unreachable(words)
    assert refusal(words) == Message("no se puede llegar a la sede en este momento")
    assert not unreachable("[Errno 13] Permission denied: '/home/ana/.minga'")


def test_a_long_folder_only_costs_the_open_connection():
    short = LoginNode("m@x", "/k", "/h", folder=Path("/tmp/s")).command("colombia")
    assert 'ControlPath="/tmp/s/colombia"' in short
    long = LoginNode("m@x", "/k", "/h", folder=Path("/tmp") / ("s" * 90)).command("colombia")
    assert not [word for word in long if "Control" in word]
