"""Whatever a form or the REST API sends is a Choice from the offer, or a clear refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawners.choices import Choice, Course, Offer, Profile, SiteTitle
from spawners.messages import SessionError

TITLE = {"es": "Título", "en": "Title"}
OFFER = Offer(
    courses=[
        Course(name="ai-foundations", title=TITLE),
        Course(name="supercomputing", title=TITLE),
    ],
    sites=[SiteTitle(name="chile", title=TITLE), SiteTitle(name="colombia", title=TITLE)],
    profiles=[
        Profile(name="cpu", title=TITLE, hours_max=8, sites=["chile", "colombia"]),
        Profile(name="gpu", title=TITLE, gpus=1, hours_max=4, sites=["colombia"]),
    ],
    languages=["es", "en"],
)
GOOD = {
    "course": "supercomputing",
    "site": "colombia",
    "profile": "gpu",
    "hours": 2,
    "language": "en",
}


def test_a_form_and_json_give_the_same_choice():
    form = {key: [str(value)] for key, value in GOOD.items()}
    assert OFFER.choose(GOOD) == OFFER.choose(form) == Choice(**GOOD)


def test_nothing_wished_is_the_first_of_everything():
    assert OFFER.choose({}) == Choice(
        course="ai-foundations", site="chile", profile="cpu", hours=1, language="es"
    )


def test_a_profile_fixes_the_sites_that_have_it():
    assert OFFER.choose({"profile": "gpu"}).site == "colombia"
    with pytest.raises(SessionError, match="chile.*site.*colombia"):
        OFFER.choose({"profile": "gpu", "site": "chile"})


def test_who_is_in_no_course_is_told_so():
    empty = OFFER.model_copy(update={"courses": []})
    with pytest.raises(SessionError, match="ningún curso"):
        empty.choose(GOOD)


@pytest.mark.parametrize(
    "hours", [0, 5, -1, "0", "5", "2.0", "2h", "2\n", "²", "", None, True, 2.0]
)
def test_hours_are_a_whole_number_within_the_profile(hours):
    with pytest.raises(SessionError, match="horas"):
        OFFER.choose(GOOD | {"hours": hours})


@pytest.mark.parametrize(
    "extra",
    ["cmd", "gres", "prologue", "batch_query_cmd", "runtime", "job_id", "memory", "a\nb", "{x}"],
)
def test_a_variable_of_the_batch_script_cannot_be_chosen(extra):
    with pytest.raises(SessionError, match="No se puede elegir"):
        OFFER.choose(GOOD | {extra: "gpu:4"})


@pytest.mark.parametrize("field", ["course", "site", "profile", "language"])
@pytest.mark.parametrize(
    "value",
    [
        "colombia\n#SBATCH --gres=gpu:4",
        "$(touch /tmp/x)",
        "`id`",
        "a;b",
        "'\"",
        "COLOMBIA",
        "colombia ",
        "",
        None,
        {},
        {"$ne": 1},
        ["colombia", "chile"],
        [[]],
        1,
        True,
        "{0.__class__}",
        "x" * 10_000,
    ],
)
def test_values_that_are_not_offered_are_refused(field, value):
    with pytest.raises(SessionError) as error:
        OFFER.choose(GOOD | {field: value})
    assert error.value.status_code == 400
    assert len(str(error.value.message)) < 400
    assert "\n" not in error.value.message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
fields = st.sampled_from(list(GOOD)) | st.text()


@given(st.dictionaries(fields, json_values | st.sampled_from(list(GOOD.values())), max_size=6))
def test_anything_is_a_choice_of_the_offer_or_a_refusal(wishes):
    try:
        choice = OFFER.choose(wishes)
    except SessionError as error:
        assert error.text.render()
        return
    profile = OFFER.profile(choice.profile)
    assert choice.course in {course.name for course in OFFER.courses}
    assert choice.site in profile.sites
    assert type(choice.hours) is int
    assert 1 <= choice.hours <= profile.hours_max
    assert choice.language in OFFER.languages
