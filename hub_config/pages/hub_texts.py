"""JupyterHub's own English sentences, said in ours.

The hub's Python code passes English text to the pages: reasons of errors, descriptions of
permissions, notes of tokens. None of it is shown as it is. A sentence that we know becomes one of
ours; one that we do not know becomes what its HTTP status means. The original stays in the hub's
log, where operators read it.
"""

import re

import jinja2

from .languages import N_, page_language, translate

# What happened, by HTTP status: a title, and what the person can do.
BY_STATUS = {
    400: (
        N_("No pudimos procesar la solicitud"),
        N_("Algún dato falta o no es válido. Vuelve atrás y prueba otra vez."),
    ),
    403: (
        N_("No tienes permiso para ver esto"),
        N_("Tu cuenta no tiene acceso a esta página. Si lo necesitas, pídelo a tu docente."),
    ),
    404: (
        N_("No encontramos esta página"),
        N_("Puede que la dirección esté mal escrita o que la página ya no exista."),
    ),
    405: (
        N_("No pudimos procesar la solicitud"),
        N_("Esta dirección no acepta ese tipo de solicitud."),
    ),
    409: (
        N_("No pudimos procesar la solicitud"),
        N_("Otra operación está en curso. Espera unos segundos y prueba otra vez."),
    ),
    424: (
        N_("Tu sesión no está en marcha"),
        N_("Puedes iniciarla desde la página de inicio."),
    ),
    429: (
        N_("Hay mucha demanda en este momento"),
        N_("Muchas personas están iniciando su sesión. Prueba otra vez en unos minutos."),
    ),
    500: (
        N_("Algo falló de nuestro lado"),
        N_("El error quedó registrado. Si se repite, avisa a quien administra la plataforma."),
    ),
    503: (
        N_("Tu sesión no responde"),
        N_("Puede que se haya detenido. Revisa su estado en la página de inicio."),
    ),
}

# The hub's sentences that deserve a better answer than their status.
KNOWN = [
    (r"Invalid username or password", N_("El usuario o la contraseña no son correctos.")),
    (
        r"Login form invalid or expired. Try again\.|.*_?xsrf.*|XSRF cookie .*",
        N_("La página estuvo abierta demasiado tiempo. Vuelve a intentarlo."),
    ),
    (
        r"auth has expired for .*|oauth state does not match.*|OAuth state (?:is )?mis.*"
        r"|OAuth callback made without a code|Missing or invalid credentials\.",
        N_("Tu ingreso venció. Ingresa de nuevo."),
    ),
    (
        r"OAuth error: .*",
        N_("No se completó el ingreso en tu institución. Ingresa de nuevo."),
    ),
    (
        r"Sorry, you are not currently authorized to use this hub.*",
        N_("Tu cuenta todavía no tiene acceso a Minga. Escribe a quien administra la plataforma."),
    ),
    (
        r"No access to resources or resources not found",
        N_("Esta página no existe o tu cuenta no tiene acceso a ella."),
    ),
    (r"No such user:? (?P<name>.*)", N_("No existe la cuenta «{name}».")),
    (r".*has no such server .*", N_("Esa sesión no existe.")),
    (r".* is already running", N_("Tu sesión ya está en marcha.")),
    (r".*(?:is )?pending (?:spawn|check)", N_("Tu sesión ya se está iniciando.")),
    (r".*(?:is )?pending stop", N_("Tu sesión se está deteniendo. Espera unos segundos.")),
    (
        r"Too many users trying to log in right now\..*|Active user limit exceeded\..*",
        BY_STATUS[429][1],
    ),
    (
        r"Failed to reach your server\..*|.*didn't respond in .*|Timeout",
        N_("La sesión se inició, pero no respondió a tiempo. Prueba otra vez."),
    ),
    (
        r"Failed to start your server on the last attempt\..*|Unhandled error starting server .*"
        r"|Spawner failed to start .*",
        N_("No se pudo iniciar la sesión. Prueba otra vez; si se repite, avisa a tu docente."),
    ),
    (r"Redirect loop detected\..*", N_("La sesión respondió de forma inesperada. Reiníciala.")),
    (r"Named servers are not enabled\.", N_("Esta instalación admite una sesión por persona.")),
    (
        r".*already has the maximum of \d+ named servers.*",
        N_("Ya tienes el máximo de sesiones. Borra una antes de crear otra."),
    ),
    (r"Invalid (?:server_name|display_name).*", N_("Ese nombre de sesión no es válido.")),
    (
        r"Share not found or expired|Invalid share code: .*",
        N_("La invitación no existe o ya venció. Pide una nueva."),
    ),
    (r"You can't share with yourself!", N_("No puedes aceptar una invitación tuya.")),
    (
        r"You do not have permission to access (?P<name>.*)",
        N_("Tu cuenta no tiene acceso a este servicio."),
    ),
]

# Texts that name a thing: applications that may use an account, notes of tokens.
THINGS = [
    (r"Server at (?P<name>.*)", N_("Sesión en {name}")),
    (r"JupyterHub service (?P<name>.*)", N_("Servicio {name}")),
    (r"JupyterHub", N_("Minga")),
    (r"Requested via token page", N_("Creada en esta página")),
    (r"Requested via api.*", N_("Creada por programa")),
    (r"generated at startup|command-line generated|from config", N_("Creada por la instalación")),
    (r"retrieved from spawner.*", N_("Creada por la sesión")),
]

# What a permission ("scope") allows: JupyterHub's list, by name.
PERMISSIONS = {
    "": N_("Saber quién eres."),
    "(no_scope)": N_("Saber quién eres."),
    "self": N_("Usar todo lo que es tuyo."),
    "inherit": N_("Usar todo aquello a lo que tienes acceso."),
    "admin-ui": N_("Ver la página de administración."),
    "admin:users": N_("Ver, crear, modificar y borrar cuentas. Es un permiso muy amplio."),
    "admin:auth_state": N_("Ver los datos de ingreso de una cuenta."),
    "users": N_("Ver y modificar los datos de las cuentas."),
    "delete:users": N_("Borrar cuentas."),
    "list:users": N_("Ver la lista de cuentas."),
    "read:users": N_("Ver los datos de las cuentas."),
    "read:users:name": N_("Ver los nombres de las cuentas."),
    "read:users:groups": N_("Ver a qué grupos pertenece una cuenta."),
    "read:users:activity": N_("Ver cuándo se usó una cuenta por última vez."),
    "read:roles": N_("Ver los roles asignados."),
    "read:roles:users": N_("Ver los roles de las cuentas."),
    "read:roles:services": N_("Ver los roles de los servicios."),
    "read:roles:groups": N_("Ver los roles de los grupos."),
    "users:activity": N_("Registrar la actividad de una cuenta."),
    "admin:servers": N_("Ver, iniciar, detener, crear y borrar sesiones y su estado."),
    "admin:server_state": N_("Ver y modificar el estado de las sesiones."),
    "servers": N_("Iniciar y detener sesiones."),
    "read:servers": N_("Ver las sesiones."),
    "start:servers": N_("Iniciar y editar sesiones."),
    "delete:servers": N_("Detener y borrar sesiones."),
    "tokens": N_("Ver, crear y borrar claves de acceso."),
    "read:tokens": N_("Ver las claves de acceso."),
    "admin:groups": N_("Ver, crear, modificar y borrar grupos."),
    "groups": N_("Ver grupos y cambiar quién pertenece a ellos."),
    "list:groups": N_("Ver la lista de grupos."),
    "read:groups": N_("Ver los datos de los grupos."),
    "read:groups:name": N_("Ver los nombres de los grupos."),
    "delete:groups": N_("Borrar grupos."),
    "admin:services": N_("Ver, crear, modificar y borrar servicios."),
    "list:services": N_("Ver la lista de servicios."),
    "read:services": N_("Ver los datos de los servicios."),
    "read:services:name": N_("Ver los nombres de los servicios."),
    "read:hub": N_("Ver información detallada de la plataforma."),
    "access:servers": N_("Entrar en sesiones."),
    "access:services": N_("Entrar en servicios."),
    "users:shares": N_("Ver y retirar el acceso de una cuenta a sesiones compartidas."),
    "read:users:shares": N_("Ver las sesiones compartidas con una cuenta."),
    "groups:shares": N_("Ver y retirar el acceso de un grupo a sesiones compartidas."),
    "read:groups:shares": N_("Ver las sesiones compartidas con un grupo."),
    "read:shares": N_("Ver con quién se comparten las sesiones."),
    "shares": N_("Decidir con quién se comparten las sesiones."),
    "proxy": N_("Ver y actualizar las rutas de la plataforma."),
    "shutdown": N_("Apagar la plataforma."),
    "read:metrics": N_("Ver las mediciones de la plataforma."),
}

# To what a permission is limited: the part of a scope after "!".
LIMITS = [
    (r"only you", N_("solo tus datos")),
    (r"users in group (?P<name>.*)", N_("solo el grupo {name}")),
    (r"user (?P<name>.*)", N_("solo la cuenta {name}")),
    (r"server (?P<name>.*)", N_("solo la sesión {name}")),
    (r"service (?P<name>.*)", N_("solo el servicio {name}")),
]


def _match(patterns: list[tuple[str, str]], text: str, language: str) -> str | None:
    for pattern, sentence in patterns:
        found = re.fullmatch(pattern, text.strip(), re.DOTALL)
        if found:
            return translate(sentence, language, **found.groupdict())
    return None


def explain(message: object, language: str) -> str | None:
    """Our sentence for one of the hub's, or None when we have none for it."""
    return _match(KNOWN, str(message), language) if message else None


def session_text(error: object, language: str) -> str | None:
    """The sentence of a spawner's own message (`spawners.messages.Message`), if it is one.

    `error` is the message itself or an exception that carries it as `.text`.
    """
    if not error:  # also what a template does not know
        return None
    for message in (error, getattr(error, "text", None)):
        if render := getattr(message, "render", None):
            return render(lambda text: translate(text, language))
    return None


def in_words(data, language: str):
    """Plain data with its Messages as sentences in `language`, and lists of them as one line."""
    if isinstance(data, dict):
        return {key: in_words(value, language) for key, value in data.items()}
    if isinstance(data, list):
        # Each part stays on one line.
        return " · ".join(in_words(value, language).replace(" ", "\u00a0") for value in data)
    return session_text(data, language) if hasattr(data, "render") else data


@jinja2.pass_context
def error_title(context, status: int, error: object = None) -> str:
    """What happened: the error's own heading, else by HTTP status."""
    language = page_language(context)
    title, _ = BY_STATUS.get(status, BY_STATUS[500 if status >= 500 else 400])
    own = session_text(getattr(error, "heading", None), language) if error else None
    return own or translate(title, language)


@jinja2.pass_context
def error_text(context, status: int, message: object = None, error: object = None) -> str:
    """Why, and what to do: the spawner's own words, else ours for the hub's, else by status."""
    language = page_language(context)
    _, by_status = BY_STATUS.get(status, BY_STATUS[500 if status >= 500 else 400])
    return (
        session_text(error, language)
        or explain(message, language)
        or translate(by_status, language)
    )


@jinja2.pass_context
def login_text(context, message: object) -> str:
    """Why a login failed."""
    language = page_language(context)
    return explain(message, language) or translate(
        N_("No pudimos verificar tu cuenta. Prueba otra vez."), language
    )


@jinja2.pass_context
def thing_text(context, text: str | None) -> str:
    """The name of an application or the note of a token; what a person wrote stays as it is."""
    return _match(THINGS, text or "", page_language(context)) or text or ""


@jinja2.pass_context
def permission_text(context, scope: dict) -> str:
    """What a scope (`{"scope", "description", "filter"}`, as the hub describes it) allows."""
    language = page_language(context)
    name = scope.get("scope") or ""
    text = translate(PERMISSIONS[name], language) if name in PERMISSIONS else name
    limit = scope.get("filter")
    if not limit:
        return text
    return f"{text.removesuffix('.')} ({_match(LIMITS, limit, language) or limit})."


FUNCTIONS = {
    "error_title": error_title,
    "error_text": error_text,
    "login_text": login_text,
    "thing_text": thing_text,
    "permission_text": permission_text,
    "in_words": jinja2.pass_context(lambda context, data: in_words(data, page_language(context))),
    "session_text": jinja2.pass_context(
        lambda context, error: session_text(error, page_language(context))
    ),
}
