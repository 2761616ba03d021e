"""The one program that the hub's key may start on a site's login node.

Standard library only. The key's line in the `authorized_keys` of the hub's account there says so,
and whatever else the hub's ssh asks for is ignored:

    restrict,command="/opt/minga/.venv/bin/python -I -S /opt/minga/spawners/gate.py
        sudo -n -u '{username}' --" ssh-ed25519 AAAA… minga

(one line). Its arguments become a person of this site, whose name stands for `{username}`; none:
all sessions run as this account. It reads one JSON object on standard input:

    {"ask": ["squeue", "--noheader", …]}           a question to Slurm, of those in QUESTIONS
    {"account": "ana", "action": "submit", …}      what launcher.py does, as that person
    {"books": ["sacctmgr", "--immediate", …]}      one of ORDERS, for accounts that the line names
    {"books": []}                                  prints these accounts
    {"action": "extend", "job": "7", "minutes": 9}   as this account: Slurm lets operators do it

With `--accounts=ia,uchile,ia-uchile` before those arguments the hub may make these Slurm accounts,
put people in them and set their shares and GPU-hours (docs/operators/cuotas.md); nobody else's.

Questions are asked, and jobs extended, with this account's own environment: what the hub sends
cannot change which programs run here as this account. No shell sees any of it.
"""

import json
import os
import re
import subprocess
import sys

LAUNCHER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "launcher.py")
ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,63}")
# What may be asked, with which options; none of it changes anything. sbatch only with --test-only.
QUESTIONS = {
    "squeue": {"--noheader", "--states", "--array-unique", "--format"},
    "sinfo": {"--noheader", "--Node", "--format", "--Format", "--partition"},
    "sacct": {"--allocations", "--noheader", "--parsable2", "--jobs", "--format"},
    "scontrol": {"--oneliner"},
    "sbatch": {"--test-only", "--nodes", "--ntasks", "--cpus-per-task", "--mem", "--time"}
    | {"--partition", "--gres", "--wrap"},
}
SHOWN = {"jobs", "job", "reservation", "hostnames", "config", "partition"}  # by scontrol
# A name in Slurm's accounting; several of them.
NAME = r"[a-z0-9_][a-z0-9_.-]{0,63}"
NAMES = rf"{NAME}(?:,{NAME})*"
PEOPLE = rf"{ACCOUNT.pattern}(?:,{ACCOUNT.pattern})*"
# scontrol and sacctmgr, of the associations: word for word.
ASSOCIATIONS = (
    rf"scontrol --oneliner show assoc_mgr accounts={NAMES} flags=assoc",
    rf"sacctmgr --noheader --parsable2 show associations cluster={NAME} accounts={NAMES} "
    r"format=[A-Za-z,]+",
    rf"sacctmgr --noheader --parsable2 show user name={ACCOUNT.pattern} format=AdminLevel",
)
# What sacctmgr may be told: limits and weights of accounts and of people in them. Nothing is
# deleted, nobody becomes an administrator.
LIMITS = r"(?: fairshare=\d{1,6})?(?: GrpTRESMins=gres/gpu=(?:-1|\d{1,12}))?"
ORDERS = (
    rf"add account (?P<account>{NAME}) cluster={NAME} parent=(?P<parent>{NAME}){LIMITS}",
    rf"add user {PEOPLE} account=(?P<account>{NAME}) cluster={NAME}{LIMITS}",
    rf"modify account where name=(?P<account>{NAME}) cluster={NAME} "
    rf"set(?: parent=(?P<parent>{NAME}))?{LIMITS}",
    rf"modify user where name={PEOPLE} account=(?P<account>{NAME}) cluster={NAME} set{LIMITS}",
)
CLOCK = ["date", "+%s"]


def only_asks(command: object) -> bool:
    """Return whether `command` is an argument list that asks something and changes nothing.

    >>> only_asks(["squeue", "--noheader"]), only_asks(["sbatch", "--wrap=id"]), only_asks(["sh"])
    (True, False, False)
    """
    if not (isinstance(command, list) and all(isinstance(word, str) for word in command)):
        return False
    if command == CLOCK:
        return True
    if not any(" " in word or "\n" in word for word in command) and any(
        re.fullmatch(form, " ".join(command)) for form in ASSOCIATIONS
    ):
        return True
    program, *rest = command or [""]
    options = {word.split("=", 1)[0] for word in rest if word.startswith("-")}
    words = [word for word in rest if not word.startswith("-")]
    if program not in QUESTIONS or not options <= QUESTIONS[program] or "\0" in "".join(rest):
        return False
    if program == "scontrol":
        return words == ["ping"] or (words[:1] == ["show"] and words[1:2] in [[s] for s in SHOWN])
    return not words and (program != "sbatch" or "--test-only" in options)


def books_of(command: object) -> set[str]:
    """Return the accounts that one of sacctmgr's ORDERS is about; empty for anything else.

    >>> books_of(["sacctmgr", "--immediate", "add", "user", "ana", "account=ia", "cluster=chile"])
    {'ia'}
    >>> books_of(["sacctmgr", "--immediate", "delete", "account", "ia"])
    set()
    """
    if not (isinstance(command, list) and all(isinstance(word, str) for word in command)):
        return set()
    if command[:2] != ["sacctmgr", "--immediate"] or any(re.search(r"\s", w) for w in command):
        return set()
    text = " ".join(command[2:])
    found = next(filter(None, (re.fullmatch(form, text) for form in ORDERS)), None)
    if found is None:
        return set()
    return {found["account"]} | ({found.groupdict().get("parent")} - {None, "root"})


def main(become: list[str], request: object) -> int:
    """Carry out `request`; return the exit status. `become` is what becomes a person here."""
    if not isinstance(request, dict):
        return _refuse("not a request")
    accounts = ""
    if become and become[0].startswith("--accounts="):
        accounts, become = become[0].removeprefix("--accounts="), become[1:]
    if "books" in request:
        if request["books"] == []:
            print(accounts)
            return 0
        about = books_of(request["books"])
        if not about:
            return _refuse("not an order of those that pass here")
        if not about <= set(accounts.split(",")) - {"", "root"}:
            return _refuse("not an order about this line's --accounts")
        return subprocess.run(request["books"], stdin=subprocess.DEVNULL).returncode
    if "ask" in request:
        if not only_asks(request["ask"]):
            return _refuse("not a question to Slurm")
        # Seconds since 1970, whatever time zone the cluster is in.
        return subprocess.run(
            request["ask"],
            env={**os.environ, "SLURM_TIME_FORMAT": "%s"},
            stdin=subprocess.DEVNULL,
        ).returncode
    account = request.pop("account", "")
    if request.get("action") == "extend":
        become, request["environment"] = [], dict(os.environ)
    elif not (isinstance(account, str) and ACCOUNT.fullmatch(account)):
        return _refuse("Invalid account: not the name of a Unix account")
    command = [part.replace("{username}", account) for part in become]
    command += [sys.executable, "-I", "-S", LAUNCHER]
    return subprocess.run(command, input=json.dumps(request).encode()).returncode


def _refuse(why: str) -> int:
    print(f"minga: {why}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        status = main(sys.argv[1:], json.load(sys.stdin))
    except ValueError:
        status = _refuse("not a request")
    except OSError as error:
        print(error, file=sys.stderr)
        status = 127
    sys.exit(status)
