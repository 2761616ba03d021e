import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyterhub.spawner import SpawnException

from hub_config import pages
from hub_config.pages import hub_texts, languages
from hub_config.pages.handlers import local_path
from hub_config.pages.page import Pages
from spawners.messages import Message, SessionError


@pytest.mark.parametrize(
    ("chosen", "accepted", "expected"),
    [
        (None, None, "es"),
        (None, "", "es"),
        (None, "fr-FR,pt;q=0.8", "es"),
        (None, "en-US,en;q=0.9", "en"),
        (None, "pt-BR,en;q=0.3,es-CO;q=0.9", "es"),
        (None, "es;q=0, en", "en"),
        (None, "en;q=zero, es;q=0.1", "es"),
        ("en", "es-CL", "en"),
        ("es", "en", "es"),
        ("fr", "en", "en"),
        ("../en", None, "es"),
    ],
)
def test_own_choice_then_browser_then_spanish(chosen, accepted, expected):
    assert languages.negotiate(chosen, accepted) == expected


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_header_gives_a_language_we_have(chosen, accepted):
    assert languages.negotiate(chosen, accepted) in languages.LANGUAGES


@pytest.mark.parametrize(
    "path", ["/hub/home", "/hub/spawn?next=%2Fuser%2Fana%2F", "/services/book/es/", "/"]
)
def test_a_local_path_is_kept(path):
    assert local_path(path, "/hub/") == path


@pytest.mark.parametrize(
    "elsewhere",
    [
        "",
        "https://example.org/",
        "//example.org",
        "///example.org",
        "/\\example.org",
        "\\\\example.org",
        "/hub\\..\\",
        "/\t/example.org",
        "/\n/example.org",
        " /hub",
        "javascript:alert(1)",
        "hub/home",
    ],
)
def test_no_redirect_leads_elsewhere(elsewhere):
    assert local_path(elsewhere, "/hub/") == "/hub/"


def test_a_sentence_and_its_values_in_both_languages():
    assert pages.translate("No existe la cuenta «{name}».", "es", name="ana") == (
        "No existe la cuenta «ana»."
    )
    assert pages.translate("No existe la cuenta «{name}».", "en", name="ana") == (
        "There is no account “ana”."
    )
    assert pages.translate("una frase que nadie tradujo", "en") == "una frase que nadie tradujo"


@pytest.mark.parametrize(
    ("english", "spanish"),
    [
        ("Invalid username or password", "El usuario o la contraseña no son correctos."),
        ("'_xsrf' argument missing from POST", "La página estuvo abierta demasiado tiempo."),
        ("No such user: ana", "No existe la cuenta «ana»."),
        ("ana is already running", "Tu sesión ya está en marcha."),
        ("ana is pending stop", "Tu sesión se está deteniendo."),
        ("Too many users trying to log in right now. Try again in 30 seconds.", "Muchas personas"),
    ],
)
def test_the_hubs_sentences_become_ours(english, spanish):
    assert hub_texts.explain(english, "es").startswith(spanish)
    assert hub_texts.explain(english, "en") != english


def test_what_the_hub_says_is_never_shown_raw():
    assert hub_texts.explain("Some new sentence of a later JupyterHub", "es") is None


def test_a_spawners_own_message_is_shown_in_the_language_of_the_page():
    error = SessionError(
        Message("En la cola de {site}.", {"site": Message("Sede")}), reason="refused"
    )
    assert hub_texts.session_text(error, "en") == "In the queue of Site."
    assert hub_texts.session_text(error.text, "es") == "En la cola de Sede."
    assert hub_texts.session_text(SpawnException("English", reason="x"), "es") is None
    assert hub_texts.session_text(jinja2.Undefined(), "es") is None


def test_a_template_alone_is_spanish_and_escapes():
    environment = jinja2.Environment(extensions=[Pages], autoescape=True)
    template = environment.from_string(
        "{{ language() }} {{ _('Salir') }} {% trans name=name %}Hola, {{ name }}{% endtrans %}"
    )
    assert template.render(name="<b>") == "es Salir Hola, &lt;b&gt;"


def test_script_messages_cannot_end_their_element():
    assert "<" not in languages.script_messages("en")
    assert languages.script_messages("es") == "{}"
    assert "Your session is ready." in languages.script_messages("en")
