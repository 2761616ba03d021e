"""What a deployment wants of a site's Slurm accounts, and the orders that make it so."""

import pytest
import yaml

from hub_config import account_plan
from hub_config.account_plan import Account, Found, commands, read
from hub_config.deployment import DEFAULT, Deployment

UCHILE = {"title": {"es": "Universidad de Chile"}, "country": "CL"}
UANDES = {"title": {"es": "Universidad de los Andes"}, "country": "CO"}


def deployment(shares=(), accounts="personal", **own) -> Deployment:
    """An installation with a course that has `own` in chile; shares of two institutions."""
    data = yaml.safe_load(DEFAULT.read_text())
    data["courses"] = {"ai-foundations": data["courses"]["ai-foundations"]}
    data["courses"]["ai-foundations"]["slurm"] = {"chile": {"account": "ia", **own}}
    data["accounts"] = accounts
    for site in data["sites"].values():
        site["private_cluster"]["accounting"] = True
    if accounts == "personal":
        data["courses"]["ai-foundations"]["account"] = "minga-ia"
        for site in data["sites"].values():
            site["user_prefix"] = ["sudo", "-u", "{username}"]
    if shares:
        both = zip(("uchile", "uandes"), (UCHILE, UANDES), shares, strict=True)
        data["institutions"] = {name: {**each, "share": share} for name, each, share in both}
    return Deployment.model_validate(data)


def orders(wanted, found=None) -> list[str]:
    """The commands as text, without what they have in common."""
    made = commands(wanted, found or {}, "chile")
    assert all(command[:2] == ["sacctmgr", "--immediate"] for command in made)
    return [" ".join(command[2:]) for command in made]


def after(wanted) -> dict[str, Found]:
    """What Slurm has when the orders for `wanted` are carried out."""
    return {
        each.name: Found(
            parent=each.parent or "root",
            share=str(each.share or 1),
            minutes="" if each.minutes is None else str(each.minutes),
            people={
                user: "" if user in each.exempt or not each.each else str(each.each)
                for user in each.people
            },
        )
        for each in wanted
    }


def test_without_a_key_no_account_is_touched():
    assert account_plan.wanted(deployment(), "chile") == []
    assert account_plan.wanted(deployment(gpu_hours=9), "colombia") == []
    assert account_plan.names(deployment(), "chile") == []


def test_hours_of_a_course_and_of_each_student_but_not_of_instructors():
    wanted = account_plan.wanted(deployment(gpu_hours=100, gpu_hours_each=20), "chile")
    assert orders(wanted) == [
        "add account ia cluster=chile parent=root GrpTRESMins=gres/gpu=6000",
        "add user estudiante1,estudiante2 account=ia cluster=chile GrpTRESMins=gres/gpu=1200",
        "add user profesora account=ia cluster=chile",
    ]
    assert orders(wanted, after(wanted)) == []


def test_what_changed_in_the_file_is_changed_and_nothing_else():
    before = after(account_plan.wanted(deployment(gpu_hours=100, gpu_hours_each=20), "chile"))
    before["ia"].parent, before["ia"].share = "fisica", "7"  # an operator's own doing
    before["ia"].people["invitada"] = "1200"  # enrolled on the hub's pages
    before["ia"].people["docente"] = ""  # an instructor whom the file does not name
    before["ia"].people["estudiante2"] = "2400"  # to whom an operator gave more
    now = account_plan.wanted(deployment(gpu_hours=100, gpu_hours_each=30), "chile")
    assert orders(now, before) == [
        "modify user where name=estudiante1,invitada account=ia cluster=chile "
        "set GrpTRESMins=gres/gpu=1800"
    ]
    # Who becomes an instructor has no limit any more.
    before["ia"].people["profesora"] = "1200"
    now = account_plan.wanted(deployment(gpu_hours=100, gpu_hours_each=20), "chile")
    assert orders(now, before) == [
        "modify user where name=profesora account=ia cluster=chile set GrpTRESMins=gres/gpu=-1"
    ]
    before["ia"].people["docente"] = "1200"
    now = account_plan.for_person(
        deployment(gpu_hours_each=20), "ai-foundations", "chile", "", "docente", instructor=True
    )
    assert "modify user where name=docente,profesora" in orders(now, before)[0]
    now = account_plan.wanted(deployment(gpu_hours=50), "chile")
    assert orders(now, before) == [
        "modify account where name=ia cluster=chile set GrpTRESMins=gres/gpu=3000"
    ]


def test_shares_make_an_account_for_each_institution_and_divide_the_courses_hours():
    wanted = account_plan.wanted(deployment((3, 1), gpu_hours=100, gpu_hours_each=2), "chile")
    assert orders(wanted) == [
        "add account uchile cluster=chile parent=root fairshare=3",
        "add account uandes cluster=chile parent=root fairshare=1",
        # People who count to no institution have what Slurm gives by default: 1.
        "add account ia cluster=chile parent=root GrpTRESMins=gres/gpu=1200",
        "add account ia-uchile cluster=chile parent=uchile GrpTRESMins=gres/gpu=3600",
        "add account ia-uandes cluster=chile parent=uandes GrpTRESMins=gres/gpu=1200",
    ]
    assert orders(wanted, after(wanted)) == []
    moved = after(wanted)
    moved["uchile"].share, moved["ia-uandes"].parent = "1", "root"
    assert orders(wanted, moved) == [
        "modify account where name=uchile cluster=chile set fairshare=3",
        "modify account where name=ia-uandes cluster=chile set parent=uandes",
    ]


def test_an_institution_without_a_share_has_slurms_default():
    wanted = account_plan.wanted(deployment((3, None)), "chile")
    assert "add account uandes cluster=chile parent=root fairshare=1" in orders(wanted)
    assert not any("GrpTRESMins" in order for order in orders(wanted))


@pytest.mark.parametrize(
    ("institution", "account"), [("uchile", "ia-uchile"), ("", "ia"), ("unam", "ia")]
)
def test_a_persons_account_is_of_their_institution(institution, account):
    found = account_plan.account_of(deployment((3, 1)), "ai-foundations", "chile", institution)
    assert found == account
    flat = deployment(gpu_hours=1)
    assert account_plan.account_of(flat, "ai-foundations", "chile", institution) == "ia"


@pytest.mark.parametrize(
    ("instructor", "limit"), [(False, " GrpTRESMins=gres/gpu=120"), (True, "")]
)
def test_a_person_who_comes_later_is_put_where_they_belong(instructor, limit):
    given = deployment((3, 1), gpu_hours_each=2)
    wanted = account_plan.for_person(given, "ai-foundations", "chile", "uchile", "ana", instructor)
    found = after(account_plan.wanted(given, "chile"))
    added = f"add user ana account=ia-uchile cluster=chile{limit}"
    assert orders(wanted, found) == [added]
    assert orders(wanted) == [
        "add account uchile cluster=chile parent=root fairshare=3",
        "add account ia-uchile cluster=chile parent=uchile",
        added,
    ]


def test_where_all_share_one_unix_account_nobody_is_listed():
    wanted = account_plan.wanted(deployment(accounts="shared", gpu_hours=100), "chile")
    assert orders(wanted) == ["add account ia cluster=chile parent=root GrpTRESMins=gres/gpu=6000"]


# Printed by sacctmgr 22.05.8.
SHOWN = """\
uchile|root|||3|
ia-uchile|uchile|||4|cpu=9,gres/gpu=700
ia-uchile||games||1|gres/gpu=180
ia-uchile||games|debug|1|gres/gpu=1
ia-uchile||nobody||1|
"""


def test_what_sacctmgr_prints_is_what_is_there():
    people = {"games": "180", "nobody": ""}
    assert read(SHOWN) == {
        "uchile": Found("root", "3", ""),
        "ia-uchile": Found("uchile", "4", "700", people),
    }
    assert read("") == {}
    with pytest.raises(ValueError):
        read("sacctmgr: error: slurmdbd is away\n")


def test_accounts_are_written_in_small_letters_as_sacctmgr_makes_them():
    assert account_plan.names(deployment((1, 1), account="IA"), "chile") == [
        "ia-uchile",
        "ia-uandes",
        "ia",
    ]
    assert commands([Account("ia")], read("ia|root|||1|\n"), "chile") == []


@pytest.mark.parametrize("user", ["a,root", "-i", "", "a b", "a=b", "ana\n", "*"])
def test_a_name_that_sacctmgr_would_read_otherwise_is_refused(user):
    with pytest.raises(ValueError, match="no name of a Unix account"):
        commands([Account("ia", people=frozenset([user]))], {}, "chile")
