"""A course's people from a table, and a table that is wrong."""

import pytest
import yaml

from hub_config.deployment import DEFAULT, DeploymentError, load

COURSE = "ai-foundations"


@pytest.fixture
def with_roster(tmp_path):
    """Return a function that loads local.yaml with a course whose roster has this content."""

    def load_with(content: str | bytes):
        roster, file = tmp_path / "roster.csv", tmp_path / "roster.yaml"
        roster.write_bytes(content if isinstance(content, bytes) else content.encode())
        data = yaml.safe_load(DEFAULT.read_text())
        data["courses"] = {COURSE: {"students": ["estudiante1"], "roster": str(roster)}}
        file.write_text(yaml.safe_dump(data, sort_keys=False))
        return load(file).courses[COURSE]

    return load_with


@pytest.mark.parametrize(
    "content",
    [
        "person,role,name\nestudiante2,student,\"Núñez, Ana\"\nprofesora,instructor,\n",
        "\ufeffPersona;Rol;Nombre\r\nestudiante2;Estudiante;Núñez, Ana\r\nprofesora;docente;\r\n",
        "name;person;role\nNúñez, Ana;estudiante2;\n;profesora;instructor\n;;\n",
        "persona,rol,nombre\n" + 2 * "estudiante2,,\"Núñez, Ana\"\n" + "profesora,docente,\n",
    ],
)  # fmt: skip
def test_a_roster_adds_to_the_lists(with_roster, content):
    course = with_roster(content)
    assert course.students == ["estudiante1", "estudiante2"]
    assert course.instructors == ["profesora"]
    assert course.name("estudiante2") == "Núñez, Ana" and course.name("estudiante1") == ""


def test_who_is_in_both_is_there_once(with_roster):
    assert with_roster("person\nestudiante1\n").students == ["estudiante1"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["line 1", "is empty"]),
        ("nombre\nAna\n", ["line 1", "person, role, name"]),
        ("person,person\na,b\n", ["line 1", "person, role, name"]),
        ("person,email\na,b\n", ["line 1", "person, role, name"]),
        ("person,role\nestudiante2,jefe\n", ["line 2", "«jefe»", "student, estudiante"]),
        ("person,role\n\nÁna,student\n", ["line 3", "«Ána»", "a login name"]),
        ("person,role\nestudiante2\n", ["line 2", "has 1 cells"]),
        ("person\n=cmd()\n", ["line 2", "«=cmd()»"]),
        (
            "person,role\nestudiante2,student\nestudiante2,instructor\n",
            ["line 3", "«estudiante2»", "there twice"],
        ),
        ('person\n"estudiante2\n', ["line 2"]),
        ("person\nñandú\n".encode("latin-1"), ["cannot be read as UTF-8"]),
    ],
)
def test_a_wrong_roster_is_told_where_and_why(with_roster, content, words):
    with pytest.raises(DeploymentError) as error:
        with_roster(content)
    for word in [f"courses.{COURSE}.roster", *words]:
        assert word in str(error.value)


def test_who_has_no_account_is_told(with_roster):
    with pytest.raises(DeploymentError, match="«nadie» has no account"):
        with_roster("person\nnadie\n")
