"""Whatever is sent as form or as `user_options`, a start is one of the offer or a clear refusal.

test_choices.py asks `Offer.choose`; here the same is asked of what is around it: tornado's
parser of forms, JupyterHub's handlers, its REST API, and the batch script at the other end.
"""

import contextlib
import json
import re
from types import SimpleNamespace

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tornado import httputil

from spawners.choices import Choice
from spawners.messages import SessionError
from spawners.sites import SchedulerError, SlurmSite
from spawners.slurm import MingaSpawner, _AskFirst
from tests.conftest import in_a_loop_of_its_own
from tests.spawners.test_choices import GOOD, OFFER, json_values

GOOD_FORM = {name: str(value) for name, value in GOOD.items()}
EVIL = ["\n#SBATCH --gres=gpu:4", "$(touch x)", "`id`", "{{cmd}}", "{%", "\x00", "\udc80", "\u2028"]

fields = st.sampled_from([*GOOD, "_xsrf", "next", "cmd", "gres", "prologue"]) | st.text(max_size=20)
values = (
    st.sampled_from(list(GOOD_FORM.values()))
    | st.binary(max_size=40)
    | st.text(max_size=40)
    | st.sampled_from(EVIL)
    | st.builds("{}{}".format, st.sampled_from(list(GOOD_FORM.values())), st.sampled_from(EVIL))
)
# Nearly what is offered, in the field where it is: the likeliest to slip through.
near = st.builds(
    lambda name, before, after: (name, f"{before}{GOOD_FORM[name]}{after}"),
    st.sampled_from(list(GOOD_FORM)),
    st.sampled_from(["", "", "", " ", *EVIL]),
    st.sampled_from(["", "", "", " ", "\n", "x", *EVIL]),
)
forms = st.lists(st.tuples(fields, values) | near, max_size=6) | st.lists(near, max_size=3)


def raw(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf8", "surrogatepass")


def urlencoded(pairs) -> tuple[str, bytes]:
    def quoted(value):
        return b"".join(b"%%%02x" % byte for byte in raw(value))

    body = b"&".join(quoted(name) + b"=" + quoted(value) for name, value in pairs)
    return "application/x-www-form-urlencoded", body


def multipart(pairs, file: bool = False) -> tuple[str, bytes]:
    body = b""
    for name, value in pairs:
        name = re.sub(rb'[\r\n"]', b"", raw(name))
        end = b'"; filename="x"' if file else b'"'
        body += b'--B\r\nContent-Disposition: form-data; name="' + name + end + b"\r\n\r\n"
        body += raw(value) + b"\r\n"
    return "multipart/form-data; boundary=B", body + b"--B--\r\n"


bodies = st.one_of(
    forms.map(urlencoded),
    forms.map(multipart),
    forms.map(lambda pairs: multipart(pairs, file=True)),
    st.tuples(
        st.sampled_from(["application/x-www-form-urlencoded", "multipart/form-data; boundary=B"]),
        st.binary(max_size=200),
    ),
)


def spawner_of(username: str = "ana", home: str = "/home/ana") -> MingaSpawner:
    site = SimpleNamespace(partition="gpu", python="/opt/minga/bin/python", scheduler="slurm")
    return MingaSpawner(
        user=SimpleNamespace(name=username),
        offers=lambda spawner: OFFER,
        sites={"chile": site, "colombia": site},
        home=lambda spawner: home,
        cmd=["jupyterhub-singleuser"],
        req_keepvars="PATH",
    )


def read_form(content_type: str, body: bytes) -> dict:
    """What the hub hands to the spawner, through tornado's parser and start_form.py."""
    arguments, files = {}, {}
    httputil.parse_body_arguments(content_type, body, arguments, files)
    form = {
        name: [item.decode("utf8", "replace") for item in items]
        for name, items in arguments.items()
    }
    return form | {f"{name}_file": items for name, items in files.items()}


# What each variable of the batch script may be for this offer, whatever was asked for.
VARIABLES = {
    "job_name": "minga",
    "comment": "minga:[0-9a-f]{8}:[0-9a-f]{12}",
    "homedir": "/home/ana",
    "site": "chile|colombia",
    "runtime": "[1-8]:00:00",
    "nprocs": "1",
    "memory": "2G",
    "partition": "gpu",
    "gres": "gpu:1",
    "account": "[a-z0-9_-]+",  # these three are the course's, from the deployment
    "qos": "[a-z0-9_-]+",
    "reservation": "[a-z0-9_-]+",
    "prologue": "",
    "cmd": r"/opt/minga/bin/python -I( -S)? \S+/port\.py jupyterhub-singleuser",
}


def allowed_lines() -> list[str]:
    """The template's own lines as patterns, with what its variables may be in them."""
    template = re.sub(r"{%.*?%}", "", MingaSpawner.batch_script.default_value)
    lines = []
    for line in template.split("\n"):
        fixed_and_names = re.split(r"{{(\w+)}}", line)
        lines.append(
            "".join(
                f"({VARIABLES[part]})" if index % 2 else re.escape(part)
                for index, part in enumerate(fixed_and_names)
            )
        )
    return lines


def assert_offered(choice: Choice) -> None:
    profile = OFFER.profile(choice.profile)
    assert choice.course in {course.name for course in OFFER.courses}
    assert choice.site in profile.sites
    assert 1 <= choice.hours <= profile.hours_max
    assert choice.language in OFFER.languages


def assert_only_allowed(script: str, choice: Choice) -> None:
    assert_offered(choice)
    allowed = allowed_lines()
    lines = script.split("\n")
    for line in lines:
        assert any(re.fullmatch(pattern, line) for pattern in allowed), repr(line)
    options = [line.split("=")[0] for line in lines if line.startswith("#SBATCH")]
    assert len(options) == len(set(options)) > 8
    assert script.count("--gres") == OFFER.profile(choice.profile).gpus
    assert script.count(f"--time={choice.hours}:00:00") == 1
    assert script.isprintable() or set(script) - {"\n"} == set(
        char for char in script if char.isprintable()
    )


@settings(max_examples=400)
@given(bodies)
def test_a_form_of_any_bytes_is_a_choice_of_the_offer_or_a_sentence(body):
    spawner = spawner_of()
    try:
        form = read_form(*body)
    except httputil.HTTPInputError:
        return  # tornado says 400 before anybody else reads it
    try:
        options = spawner._options_from_form(form)
    except SessionError as error:
        assert error.status_code == 400
        assert error.message.encode("utf8")  # it can be sent
        assert error.message[-1] in ".»" or "Puedes elegir" in error.message
        return
    spawner._apply_choice(spawner, options)  # as the hub does with what it remembered
    assert spawner.choice.model_dump() == options
    assert_only_allowed(spawner.script({"PATH": "/bin", "HOME": "/home/ana"}), spawner.choice)


@settings(max_examples=400)
@given(
    st.dictionaries(fields, json_values | values.map(str), max_size=6)
    | st.lists(near, max_size=3).map(dict)
    | json_values
    | st.fixed_dictionaries({}, optional={name: st.just(GOOD[name]) for name in GOOD})
)
def test_any_user_options_are_a_choice_of_the_offer_or_a_sentence(options):
    spawner = spawner_of()
    try:
        spawner._apply_choice(spawner, options)
    except SessionError as error:
        assert error.status_code == 400
        assert error.message.encode("utf8")
        return
    assert_only_allowed(spawner.script({"PATH": "/bin"}), spawner.choice)


@settings(max_examples=200)
@given(json_values)
def test_the_start_page_opens_whatever_was_remembered(options):
    """A refused start is remembered by JupyterHub as the last one."""
    spawner = spawner_of()
    spawner.orm_spawner = SimpleNamespace(user_options=options, server=None)
    previous = spawner.offer()["previous"]
    assert set(previous) <= set(GOOD)
    if previous:
        OFFER.choose(previous)


def test_a_link_chooses_what_is_offered_and_nothing_else():
    spawner = spawner_of()
    last = {"course": "supercomputing", "profile": "cpu", "hours": 7, "site": "luna"}
    spawner.orm_spawner = SimpleNamespace(user_options=last, server=None)
    with pytest.raises(_AskFirst):
        spawner.options_from_query({"profile": ["gpu"], "hours": ["3"], "course": ["x"]})
    assert spawner.offer()["previous"] == {"course": "supercomputing", "profile": "gpu", "hours": 3}


@pytest.mark.parametrize(
    ("link", "profile"),
    [
        ({"course": ["supercomputing"], "assignment": ["redes"]}, "gpu"),
        ({"course": ["supercomputing"], "assignment": ["redes"], "profile": ["cpu"]}, "cpu"),
        ({"course": ["supercomputing"], "assignment": ["otra"]}, "cpu"),
    ],
)
def test_a_link_to_an_assignment_chooses_the_machine_that_it_asks_for(link, profile):
    spawner = spawner_of()
    spawner.profile_of = lambda course, assignment: {"redes": "gpu"}.get(assignment)
    last = {"course": "supercomputing", "profile": "cpu", "hours": 7, "site": "luna"}
    spawner.orm_spawner = SimpleNamespace(user_options=last, server=None)
    with pytest.raises(_AskFirst):
        spawner.options_from_query(link)
    assert spawner.offer()["previous"].get("profile", "cpu") == profile


@pytest.mark.parametrize(
    "name",
    [
        "-oProxyCommand=id",
        "-u",
        "a b",
        "a\nb",
        "x;id>f;y",
        "$(id)",
        "a/../b",
        "",
        "{username}",
        "\0",
    ],
)
@in_a_loop_of_its_own
async def test_a_name_that_is_no_account_never_becomes_part_of_a_command(name):
    site = SlurmSite("far", user_prefix=["echo", "{username}@login", "--"])
    for request in (site.submit(name, "#!/bin/sh", {}, "/home/x"), site.cancel(name, "1")):
        with pytest.raises(SchedulerError, match="Invalid account"):
            await request
    # What would have been run, for a name that is one.
    with pytest.raises(SchedulerError, match="no job id: 'ana.p-1@login -- "):
        await site.submit("ana.p-1", "#!/bin/sh", {}, "/home/x")


# --- through a running hub ----------------------------------------------------------------------

few = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking would repeat real requests
    suppress_health_check=list(HealthCheck),
)
SENTENCE = re.compile(r"no está disponible|No se puede elegir|Elige exactamente|Las horas deben")
# Always one thing that is not on offer: a start of a real session takes seconds, and what is
# started is asked above.
wrong = st.tuples(st.sampled_from(["site", "cmd", "\xff"]), st.binary(min_size=1, max_size=9))


def post_form(person, content_type: str, body: bytes):
    return person.http.post(
        f"{person.hub}/spawn",
        params={"_xsrf": person.xsrf()},
        data=body,
        headers={"Content-Type": content_type},
        allow_redirects=False,
        timeout=30,
    )


def server_of(person) -> dict:
    return person.api("GET", f"/users/{person.name}").json()["servers"]


@pytest.mark.slow
def test_a_running_hub_refuses_any_form_with_a_sentence(minga):
    person = minga.login("estudiante2")

    @few
    @given(forms, wrong.filter(lambda pair: pair[1] not in (b"chile", b"colombia")), st.data())
    def fuzz(pairs, bad, data):
        encode = data.draw(st.sampled_from([urlencoded, multipart]))
        pairs = [pair for pair in pairs if pair[0] != "_xsrf"]
        content_type, body = encode([*pairs, bad])
        answer = post_form(person, content_type, body)
        if answer.status_code == 403:
            # tornado refused a body before the hub knew who sent it, and that answer's cookie
            # is nobody's: a browser gets its own again with the next page.
            person.http.get(f"{person.hub}/spawn")
            answer = post_form(person, content_type, body)
        assert answer.status_code == 400, (answer.status_code, body)
        page = answer.content.decode()
        if "start.js" in page:  # the form again; otherwise tornado refused it before us
            assert SENTENCE.search(page), body

    fuzz()
    assert server_of(person) == {}
    assert person.http.get(f"{person.hub}/spawn").status_code == 200


@pytest.mark.slow
def test_a_running_hub_shows_its_form_for_any_link(minga):
    person = minga.login("estudiante2")

    @few
    @given(forms)
    def fuzz(pairs):
        _, query = urlencoded(pairs)
        address = f"{person.hub}/spawn?{query.decode()}"
        answer = person.http.get(address, allow_redirects=False, timeout=30)
        assert answer.status_code in (200, 400), (answer.status_code, query)

    fuzz()
    assert server_of(person) == {}


@pytest.mark.slow
def test_a_running_hub_refuses_any_user_options_with_a_sentence(minga):
    person = minga.login("estudiante2")
    address = f"{person.hub}/api/users/estudiante2/server"
    headers = {"Authorization": f"token {person.token}", "Content-Type": "application/json"}
    objects = st.dictionaries(fields, json_values, max_size=4).map(lambda o: {**o, "cmd": "x"})
    bodies = st.one_of(
        objects.map(json.dumps).map(str.encode),
        objects.map(lambda o: json.dumps({"user_options": o}).encode()),
        json_values.filter(bool).map(lambda v: json.dumps({"site": {"x": v}}).encode()),
        st.binary(min_size=1, max_size=50).filter(lambda b: b.strip() not in (b"", b"{}", b"0")),
        st.sampled_from([b"[" * 9000, b'{"hours": 1e999}', b'{"hours": ' + b"9" * 5000 + b"}"]),
    )

    @few
    @given(bodies)
    def fuzz(body):
        with contextlib.suppress(ValueError, RecursionError):
            if not json.loads(body):
                return  # nothing is wished: that is the default session
        answer = requests.post(address, data=body, headers=headers, timeout=30)
        assert answer.status_code == 400, (answer.status_code, answer.text, body)
        assert answer.json()["message"], body

    fuzz()
    assert server_of(person) == {}
    assert person.http.get(f"{person.hub}/spawn").status_code == 200
