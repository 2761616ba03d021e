"""A deployment file is right, or the start says where it is wrong."""

from datetime import date, timedelta

import pytest
import yaml

from courses.models import load_course
from hub_config.databases import environment
from hub_config.deployment import DEFAULT, DeploymentError, load


@pytest.fixture
def changed(tmp_path):
    """Return a function that loads local.yaml with one change."""

    def load_changed(change):
        data = yaml.safe_load(DEFAULT.read_text())
        change(data)
        file = tmp_path / "changed.yaml"
        file.write_text(yaml.safe_dump(data, sort_keys=False))
        return load(file)

    return load_changed


def test_the_default_deployment_is_right():
    deployment = load(DEFAULT)
    assert set(deployment.sites) == {"chile", "colombia"}
    assert deployment.hub.loopback


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(sitios={}), ["sitios", "no such key", "sites"]),
        (
            lambda d: d["hub"].update(prot=1),
            [
                "hub.prot",
                "no such key",
                "address, database, internal_tls, port, separate_proxy, url",
            ],
        ),
        (lambda d: d["hub"].update(port="eight"), ["hub.port", "integer", "'eight'"]),
        (lambda d: d["hub"].update(port=70000), ["hub.port", "65535", "70000"]),
        (lambda d: d.pop("sites"), ["sites", "missing"]),
        (
            lambda d: d["profiles"]["gpu"].update(hour=3),
            ["profiles.gpu.hour", "no such key", "gpus, hours_max"],
        ),
        (lambda d: d.update(accounts="alle"), ["accounts", "'shared'", "'personal'"]),
        (lambda d: d["sites"].update({"Bogotá": {}}), ["sites.Bogotá", "match"]),
        (
            lambda d: d["profiles"]["gpu"].update(sites=["peru"]),
            ["profiles.gpu.sites", "peru", "chile, colombia"],
        ),
        (lambda d: d["courses"].update(alquimia={}), ["courses.alquimia", "supercomputing"]),
        (
            lambda d: d["courses"]["supercomputing"]["students"].append("nadie"),
            ["courses.supercomputing.students", "nadie", "estudiante1"],
        ),
        (
            lambda d: d["sites"]["chile"].update(user_prefix=["sudo", "-u", "{username}"]),
            ["sites.chile.user_prefix", "shared"],
        ),
        (
            lambda d: d["sites"]["chile"]["private_cluster"]["nodes"][0].update(gpus=99),
            ["sites.chile.private_cluster.nodes.0.gpus", "16"],
        ),
        (
            lambda d: d.update(institutions={"uc": {"title": {"es": "UC"}, "country": "Chile"}}),
            ["institutions.uc.country", "'Chile'"],
        ),
        (lambda d: d.update(transparency={"pue": 0.9}), ["transparency.pue", "1", "0.9"]),
        (
            lambda d: d.update(exchange={"database": "mysql://minga@/minga"}),
            ["exchange.database", "PostgreSQL and SQLite", "'mysql://minga@/minga'"],
        ),
        (
            lambda d: d.update(
                hub={"database": "postgresql:///minga"},
                exchange={"database": "postgresql:///minga"},
            ),
            ["exchange.database", "the same table", "minga-exchange"],
        ),
        (
            lambda d: d["hub"].update(database="minga"),
            ["hub.database", "no address of a database", "postgresql+psycopg://"],
        ),
        (
            lambda d: d.update(gradebooks={"database": "postgresql:///minga"}),
            ["gradebooks.database", "two courses cannot share", "{course}"],
        ),
    ],
)
def test_a_mistake_is_named_with_file_key_reason_and_what_is_allowed(changed, change, words):
    with pytest.raises(DeploymentError) as error:
        changed(change)
    for word in ["changed.yaml:", *words]:
        assert word in str(error.value)


SHARED = {"uc": {"title": {"es": "UC"}, "country": "CL", "share": 2}}


def counted(d, course="ai-foundations", **own):
    """Something that a course has on the Slurm of chile, which has accounting."""
    d["sites"]["chile"]["private_cluster"]["accounting"] = True
    d["courses"][course]["slurm"] = {"chile": own}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: counted(d, gpu_hours=9), ["courses.ai-foundations.slurm.chile", "`account`"]),
        (
            lambda d: counted(d, account="ia", gpu_hours=0),
            ["courses.ai-foundations.slurm.chile.gpu_hours", "1", "0"],
        ),
        (
            lambda d: counted(d, account="ia", gpu_hours_each=2),
            ["courses.ai-foundations.slurm.chile.gpu_hours_each", "accounts: shared", "personal"],
        ),
        (
            lambda d: (
                counted(d, account="ia", gpu_hours=9)
                or d["sites"]["chile"]["private_cluster"].pop("accounting")
            ),
            [
                "courses.ai-foundations.slurm.chile.gpu_hours",
                "only with accounting",
                "sites.chile.private_cluster.accounting: true",
            ],
        ),
        (
            lambda d: (
                counted(d, account="ia", gpu_hours=9) or counted(d, "supercomputing", account="IA")
            ),
            ["courses.supercomputing.slurm.chile.account", "ai-foundations.slurm.chile's"],
        ),
        (
            lambda d: counted(d, account="uc") or d.update(institutions=SHARED),
            ["courses.ai-foundations.slurm.chile.account", "«uc»", "another name"],
        ),
        (
            lambda d: (
                counted(d, account="ia", gpu_hours=9)
                or d.update(institutions={"uc": SHARED["uc"] | {"share": 9}})
            ),
            ["courses.ai-foundations.slurm.chile.gpu_hours", "less than an hour", "10 or more"],
        ),
        (
            lambda d: d.update(institutions=SHARED),
            ["institutions.uc.share", "no course has an account"],
        ),
        (
            lambda d: d.update(institutions={"uc": SHARED["uc"] | {"share": 0}}),
            ["institutions.uc.share", "1", "0"],
        ),
    ],
)
def test_hours_and_shares_that_slurm_could_not_keep(changed, change, words):
    with pytest.raises(DeploymentError) as error:
        changed(change)
    for word in ["changed.yaml:", *words]:
        assert word in str(error.value)


def test_hours_and_shares_that_slurm_keeps(changed):
    given = changed(
        lambda d: counted(d, account="ia", gpu_hours=9) or d.update(institutions=SHARED)
    )
    assert given.courses["ai-foundations"].slurm["chile"].gpu_hours == 9
    assert given.institutions["uc"].share == 2


FAR = {
    "title": {"es": "Lima"},
    "ssh": {
        "login": "minga@login.example",
        "key_file": "/etc/minga/key",
        "host_keys_file": "/etc/minga/host-keys",
    },
    "home": "/srv/minga/{username}",
}


def far(d, **changes):
    """A site in another country, with changes."""
    d["sites"] = {"lima": {**FAR, **changes}}
    d["hub"]["url"] = "https://minga.example/"
    d["tunnels"] = {"address": "minga.example"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: far(d, ssh={"login": "x"}), ["sites.lima.ssh.login", "'x'"]),
        (
            lambda d: far(d, ssh={**FAR["ssh"], "login": "-oProxyCommand=id@x"}),
            ["sites.lima.ssh.login"],
        ),
        (
            lambda d: far(d, ssh={**FAR["ssh"], "key": "/k"}),
            ["sites.lima.ssh.key", "no such key", "host_keys_file, key_file, login, port"],
        ),
        (lambda d: far(d, ssh={"login": "m@x"}), ["sites.lima.ssh.key_file", "missing"]),
        (lambda d: far(d, query_prefix=["ssh"]), ["sites.lima.query_prefix", "own gate"]),
        (lambda d: far(d, user_prefix=["sudo"]), ["sites.lima.user_prefix", "own gate"]),
        (
            lambda d: far(d, extension={"operator_prefix": ["sudo"]}),
            ["sites.lima.extension.operator_prefix", "operator"],
        ),
        (lambda d: far(d, home=""), ["sites.lima.home", "/srv/minga/{username}"]),
        (
            lambda d: far(d, tunnel=True) or d.pop("tunnels"),
            ["sites.lima.tunnel", "tunnels: {address:"],
        ),
        (lambda d: far(d, tunnel=True) or d["hub"].pop("url"), ["hub.url", "sites.lima", "TLS"]),
        (
            lambda d: far(d, tunnel=True) or d["hub"].update(internal_tls=True),
            ["hub.internal_tls", "sites.lima", "tunnel: false"],
        ),
        (
            lambda d: far(d) or d.update(tunnels={"address": "x y"}),
            ["tunnels.address", "'x y'"],
        ),
        (
            lambda d: d["sites"]["chile"].update(tunnel=True),
            ["sites.chile.tunnel", "private_cluster", "leave it out"],
        ),
    ],
)
def test_a_mistake_about_a_site_elsewhere_is_named(changed, change, words):
    with pytest.raises(DeploymentError) as error:
        changed(change)
    for word in ["changed.yaml:", *words]:
        assert word in str(error.value)


def test_a_site_elsewhere_needs_no_prefix_of_its_own(changed):
    def personal(d):
        far(d, tunnel=True)
        d["accounts"] = "personal"
        for course in d["courses"].values():
            course["account"] = "nobody"

    assert changed(personal).sites["lima"].ssh.port == 22


WINDOW = {
    "reservation": "ia-lunes",
    "days": ["mon"],
    "from": "09:00",
    "to": "11:00",
    "time_zone": "America/Santiago",
}


@pytest.mark.parametrize(
    ("site", "windows", "words"),
    [
        ("peru", [], ["slurm.peru", "no site", "chile, colombia"]),
        ("chile", [WINDOW | {"to": "08:00"}], ["windows.0.to", "later than `from` (09:00)"]),
        ("chile", [WINDOW | {"from": 660}], ["windows.0.from", 'quotes: "11:00"']),
        ("chile", [WINDOW | {"time_zone": "America/Macondo"}], ["windows.0.time_zone", "Bogota"]),
        (
            "chile",
            [WINDOW | {"hours": 2}],
            ["windows.0.hours", "no such key", "days, feature, first, from"],
        ),
        (
            "chile",
            [WINDOW, WINDOW | {"reservation": "otra", "from": "10:30", "to": "12:00"}],
            ["windows.1", "same time as windows.0", "10:30"],
        ),
        (
            "chile",
            [WINDOW, WINDOW | {"days": ["tue"]}],
            ["windows.1.reservation", "«ia-lunes» is courses.ai-foundations", "windows.0"],
        ),
    ],
)
def test_a_mistake_in_a_window_is_named_at_its_line(changed, tmp_path, site, windows, words):
    with pytest.raises(DeploymentError) as error:
        changed(lambda d: d["courses"]["ai-foundations"].update(slurm={site: {"windows": windows}}))
    for word in ["courses.ai-foundations.slurm", *words]:
        assert word in str(error.value)
    line = int(str(error.value).split("changed.yaml:")[1].split(":")[0])
    key = words[0].rsplit(".", 1)[-1]
    text = (tmp_path / "changed.yaml").read_text().splitlines()[line - 1]
    assert key in text or key.isdigit() or key == "hours", text


def test_two_courses_at_the_same_time_need_two_reservations(changed):
    def both(d):
        for course in d["courses"].values():
            course["slurm"] = {"chile": {"windows": [dict(WINDOW)]}}

    with pytest.raises(DeploymentError, match="supercomputing.*reservation: «ia-lunes» is"):
        changed(both)


def test_the_line_is_the_line_of_the_key(tmp_path):
    text = DEFAULT.read_text().replace("  port: 8000", "  port: high")
    file = tmp_path / "lines.yaml"
    file.write_text(text)
    line = text.splitlines().index("  port: high") + 1
    with pytest.raises(DeploymentError, match=f"lines.yaml:{line}: hub.port"):
        load(file)


def test_a_key_given_twice_is_refused(tmp_path):
    file = tmp_path / "twice.yaml"
    file.write_text(DEFAULT.read_text() + "\ntitle: again\n")
    with pytest.raises(DeploymentError, match="title.*twice"):
        load(file)


@pytest.mark.parametrize("text", ["a: [", "- 1", "", "\x00"])
def test_what_is_no_deployment_is_refused(tmp_path, text):
    file = tmp_path / "nonsense.yaml"
    file.write_text(text)
    with pytest.raises(DeploymentError, match=r"nonsense\.yaml"):
        load(file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DeploymentError, match=r"nowhere\.yaml"):
        load(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.1", "::", "hub.example.org"])
def test_a_tryout_is_never_open_to_other_machines(changed, address):
    """Shared accounts and try-out passwords exist on loopback only."""
    with pytest.raises(DeploymentError, match="accounts.*loopback"):
        changed(lambda d: d["hub"].update(address=address))

    def personal(d):
        d["hub"]["address"] = address
        d["accounts"] = "personal"
        for course in d["courses"].values():
            course["account"] = "minga-grader"
        for site in d["sites"].values():
            site["user_prefix"] = ["sudo", "-n", "-u", "{username}", "--"]

    with pytest.raises(DeploymentError, match="authentication.method.*loopback"):
        changed(personal)


@pytest.mark.parametrize("port", ["0", "65536", "80;id", "٣", "-1"])
def test_a_wrong_PORT_is_refused(monkeypatch, port):
    monkeypatch.setenv("PORT", port)
    with pytest.raises(DeploymentError, match="PORT"):
        load(DEFAULT).port  # noqa: B018


def test_PORT_moves_the_port(monkeypatch):
    monkeypatch.setenv("PORT", "8123")
    assert load(DEFAULT).port == 8123


def test_due_dates_follow_the_start_and_dates_of_the_file_win(changed):
    def change(data):
        data["courses"]["supercomputing"]["starts"] = "2027-03-08"
        data["courses"]["ai-foundations"]["assignments"] = {
            "descenso-de-gradiente": {"due": "2027-05-01T12:00:00-03:00"}
        }
        data["courses"]["ai-foundations"]["starts"] = "2027-03-08"

    deployment = changed(change)
    course = load_course("supercomputing")
    days = course.assignments["escalamiento-fuerte"].due_days
    due = deployment.courses["supercomputing"].policies(course)["escalamiento-fuerte"].due
    assert due.date() == date(2027, 3, 8) + timedelta(days=days)
    assert (due.hour, due.minute) == (23, 59) and due.utcoffset() is not None
    policies = deployment.courses["ai-foundations"].policies(load_course("ai-foundations"))
    assert policies["descenso-de-gradiente"].due.isoformat() == "2027-05-01T12:00:00-03:00"
    assert load(DEFAULT).courses["supercomputing"].policies(course) == {}


@pytest.mark.parametrize("url", ["postgresql://minga:{}@db/minga", "postgresql:///m?password={}"])
def test_a_password_in_the_file_is_refused_and_not_repeated(changed, url):
    with pytest.raises(DeploymentError, match=r"hub\.database: holds a password.*pgpass") as error:
        changed(lambda d: d["hub"].update(database=url.format("s3creto")))
    assert "s3creto" not in str(error.value)


def test_postgresql_by_one_line_each(changed):
    def change(d):
        d["hub"]["database"] = "postgresql://minga@/minga"
        d["gradebooks"] = {"database": "postgresql:///minga-{course}"}

    deployment = changed(change)
    assert deployment.hub.database == "postgresql+psycopg://minga@/minga"
    assert (
        deployment.gradebooks.of("supercomputing") == "postgresql+psycopg:///minga-supercomputing"
    )
    assert load(DEFAULT).gradebooks.of("supercomputing") == ""


def test_a_formgraders_own_account_does_not_learn_the_hubs_password():
    variables = {"PGHOST": "db", "PGSSLMODE": "verify-full", "PGPASSWORD": "x", "PGUSER": "minga"}
    assert environment(variables) == variables
    assert environment(variables, another_account=True) == {
        "PGHOST": "db",
        "PGSSLMODE": "verify-full",
    }
