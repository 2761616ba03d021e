"""Slurm's numbers become what a student reads about GPU-hours; silence refuses nobody."""

import asyncio
from types import SimpleNamespace

import pytest

from hub_config.pages import translate
from spawners.choices import Choice, Course, Offer, Profile, SiteTitle
from spawners.lessons import CourseOnSite
from spawners.messages import SessionError
from spawners.quota import Hours, QuotaSession, SiteQuota, line, question, read
from tests.conftest import in_a_loop_of_its_own

# Printed by Slurm 22.05.8, without what is not read.
SHOWN = """\
Current Association Manager state

Association Records

ClusterName=chile Account=uchile UserName= Partition= GrpTRES=cpu=N(1),gres/gpu=N(1) \
GrpTRESMins=cpu=N(0),mem=N(1365),gres/gpu=N(1) GrpTRESRunMins=cpu=N(120),gres/gpu=N(120)
ClusterName=chile Account=ia UserName= Partition= GrpTRES=cpu=N(1),gres/gpu=8(1) \
GrpTRESMins=cpu=N(0),mem=N(1365),gres/gpu:a100=9(9),gres/gpu=700(1) \
GrpTRESRunMins=cpu=N(120),gres/gpu=N(120)

ClusterName=chile Account=ia UserName=ana(1001) Partition= \
GrpTRESMins=gres/gpu=180(42) GrpTRESRunMins=gres/gpu=99(7)
ClusterName=chile Account=ia UserName=ana(1001) Partition=debug \
GrpTRESMins=gres/gpu=9(9) GrpTRESRunMins=gres/gpu=9(9)
ClusterName=chile Account=ia UserName=nueva(4294967294) Partition= \
GrpTRESMins=cpu=N(0) GrpTRESRunMins=cpu=N(0)
"""


def test_what_slurmctld_says_is_what_is_left():
    known = read(SHOWN)
    assert known == {
        ("uchile", ""): None,
        ("ia", ""): Hours(700, 1, 120),
        ("ia", "ana"): Hours(180, 42, 7),
        ("ia", "nueva"): None,
    }
    assert known["ia", "ana"].left == 131
    assert Hours(60, 61, 5).left == 0
    assert read("") == read("slurm_load_assoc_mgr_info error: Access denied") == {}
    assert question(["ia", "ia-uc"])[-2:] == ["accounts=ia,ia-uc", "flags=assoc"]


@pytest.mark.parametrize(
    ("own", "course", "spanish", "english"),
    [
        (
            Hours(1200, 480),
            None,
            "Te quedan 12 de 20 horas de GPU",
            "You have 12 of 20 GPU-hours left",
        ),
        (
            Hours(1200, 400, 680),
            Hours(60000),
            "Te quedan 2 de 20 horas de GPU",
            "You have 2 of 20 GPU-hours left",
        ),
        (
            Hours(1200, 1081),
            None,
            "Te queda 1 de 20 horas de GPU",
            "You have 1 of 20 GPU-hours left",
        ),
        (Hours(1200, 1141), None, "Te queda menos de 1", "You have less than 1 of 20"),
        (Hours(1200, 1200), None, "No te quedan horas de GPU", "You have no GPU-hours left"),
        (
            None,
            Hours(6000, 60),
            "Al curso le quedan 99 de 100 horas de GPU",
            "The course has 99 of 100 GPU-hours left",
        ),
        (
            Hours(1200),
            Hours(6000, 5400),
            "Te quedan 20 de 20 horas de GPU. Al curso le quedan 10 de 100 horas de GPU.",
            "You have 20 of 20 GPU-hours left. The course has 10 of 100 GPU-hours left.",
        ),
        (None, None, "", ""),
    ],
)
def test_the_start_page_says_what_is_left(own, course, spanish, english):
    said = line(own, course)
    if not spanish:
        assert said is None
        return
    assert said.render().startswith(spanish)
    assert said.render(lambda text: translate(text, "en")).startswith(english)


# --- what is refused -------------------------------------------------------------------------

TITLE = {"es": "Chile", "en": "Chile"}


class Session(QuotaSession):
    """What MingaSpawner has beside this part of it; `answers` are what the site says."""

    user = SimpleNamespace(name="ana")
    last_error = None
    account_of = staticmethod(lambda spawner, place, account: account)

    def __init__(self, *answers, profiles=("cpu", "gpu2")):
        super().__init__()
        self.asked, self.answers = [], list(answers)
        here = SimpleNamespace(runs_as=lambda name: name)
        here.quota = SiteQuota("chile", ["ia"], self.ask, timeout=0.2)
        self.sites = {"chile": here, "local": SimpleNamespace(runs_as=lambda name: "")}
        self.site = here  # of the running session
        self.profiles = profiles

    async def ask(self, command):
        self.asked.append(command)
        answer = self.answers.pop(0) if self.answers else None
        if answer is None:
            await asyncio.sleep(60)
        if isinstance(answer, Exception):
            raise answer
        return answer, ""

    def course_on_site(self, place):
        return CourseOnSite(account="ia", gpu_hours_each=3) if place.course == "ia" else None

    def offers(self, _):
        profiles = {
            "cpu": Profile(name="cpu", title=TITLE, sites=["chile", "local"]),
            "gpu2": Profile(name="gpu2", title=TITLE, gpus=2, sites=["chile", "local"]),
        }
        return Offer(
            courses=[Course(name=name, title=TITLE) for name in ("ia", "hpc")],
            sites=[SiteTitle(name=name, title=TITLE) for name in ("chile", "local")],
            profiles=[profiles[name] for name in self.profiles],
            languages=["es"],
        )

    async def start(self, **wishes):
        choice = {"course": "ia", "site": "chile", "profile": "gpu2", "hours": 1} | wishes
        await self._keep_to_hours(Choice(language="es", **choice))


@in_a_loop_of_its_own
async def test_a_session_that_would_use_more_than_is_left_is_refused_with_what_to_do():
    session = Session(SHOWN, SHOWN)
    await session.start()  # 2 of the 2 h 11 min that are left
    with pytest.raises(SessionError, match=r"Te quedan 2 de 3 .*en Chile.*usaría 4\. Elige menos"):
        await session.start(hours=2)
    assert session.last_error.render().endswith("descontado.")
    await session.start(hours=8, profile="cpu")
    await session.start(hours=8, course="hpc")
    await session.start(hours=8, site="local")
    assert len(session.asked) == 2, "one answer serves all, but for whom it refuses"


@in_a_loop_of_its_own
async def test_what_a_session_that_just_ended_gives_back_is_there_at_once():
    session = Session(SHOWN.replace("99(7)", "99(138)"), SHOWN)
    await session._first_hours()
    own, _ = session._hours(SimpleNamespace(course="ia", site="chile"))
    assert own.left == 0
    await session.start()
    assert len(session.asked) == 2


@in_a_loop_of_its_own
async def test_whoever_has_none_left_reads_whom_to_ask_and_what_still_works():
    spent = SHOWN.replace("180(42)", "180(173)")
    with pytest.raises(SessionError) as refused:
        await Session(spent).start()
    assert refused.value.status_code == 400
    assert "No te quedan horas de GPU (tenías 3) en Chile." in refused.value.message
    assert "instructor" in refused.value.message and "sin GPU" in refused.value.message
    with pytest.raises(SessionError) as refused:
        await Session(spent, profiles=["gpu2"]).start()
    assert "sin GPU" not in refused.value.message
    course = SHOWN.replace("700(1)", "700(650)")
    with pytest.raises(SessionError, match="Al curso no le quedan horas"):
        await Session(course).start()


@in_a_loop_of_its_own
async def test_a_site_that_does_not_say_refuses_nobody_and_shows_nothing(caplog):
    for answer in (None, RuntimeError("no access"), OSError("no program")):
        session = Session(answer)
        await session.start(hours=8)
        assert session.hours_left(session.offers(session)) == {}
    assert "GPU-hours are not known: scontrol: no access" in caplog.text


@in_a_loop_of_its_own
async def test_the_page_shows_them_by_course_and_site_and_never_waits():
    session = Session(SHOWN)
    offer = session.offers(session)
    assert session.hours_left(offer) == {}  # nothing is known yet, and it is being asked
    await session._first_hours()
    said = session.hours_left(offer)["ia"]["chile"]
    assert said.render() == "Te quedan 2 de 3 horas de GPU"
    assert session.hours_left(offer).keys() == {"ia"}
    # Somebody who has no place in the account yet has all of it.
    session.user = SimpleNamespace(name="luis")
    session.first_minutes = lambda spawner, place: 180
    assert session.hours_left(offer)["ia"]["chile"].render() == "Te quedan 3 de 3 horas de GPU"
    session.user = SimpleNamespace(name="nueva")  # in it without a limit: an instructor
    said = session.hours_left(offer)["ia"]["chile"]
    assert said.render().startswith("Al curso le quedan 9 de 11")


@in_a_loop_of_its_own
async def test_a_running_session_is_not_made_longer_than_its_hours():
    options = {"course": "ia", "site": "chile", "profile": "gpu2", "hours": 1, "language": "es"}
    session = Session(SHOWN)
    session.orm_spawner = SimpleNamespace(user_options=options)
    assert await session._hours_lack(60) is None
    lack = await session._hours_lack(70)
    assert lack.render() == "No se puede alargar tu sesión. Te quedan 2 de 3 horas de GPU."
    session.orm_spawner.user_options = options | {"profile": "cpu"}
    assert await session._hours_lack(999) is None
    session.orm_spawner.user_options = options | {"profile": "gone"}
    assert await session._hours_lack(999) is None
