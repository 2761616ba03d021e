// JupyterHub's administration is a finished React application in English. This follows what it
// draws and puts our words in place of its own. A text that is not listed stays as it is.
"use strict";
{
  const _ = minga.translate;
  const words = {
    "Search Users": _("Buscar cuentas"),
    "user-search": _("Buscar cuentas"),
    "Only Active Servers": _("Solo sesiones en marcha"),
    "check to only show running servers, otherwise show all": _("Mostrar solo las sesiones en marcha"),
    "Start All": _("Iniciar todas"),
    "Stop All": _("Detener todas"),
    "Start all default servers on the current page": _("Iniciar la sesión de todas las cuentas de esta página"),
    "Stop all servers including named servers on the current page": _("Detener todas las sesiones de esta página"),
    "Shutdown Hub": _("Apagar la plataforma"),
    "Add Users": _("Agregar cuentas"),
    "Manage Groups": _("Grupos"),
    User: _("Cuenta"),
    Server: _("Sesión"),
    "Last Activity": _("Última actividad"),
    "Server Start Time": _("Inicio de la sesión"),
    Profile: _("Recursos"),
    Actions: _("Acciones"),
    "Stop Server": _("Detener"),
    "Start Server": _("Iniciar"),
    "Delete Server": _("Borrar sesión"),
    "Server is pending": _("En curso"),
    "Access Server": _("Abrir"),
    "Spawn Page": _("Elegir recursos"),
    "Edit User": _("Editar"),
    Never: _("nunca"),
    "Displaying ": _("Se muestran "),
    Previous: _("Anterior"),
    Next: _("Siguiente"),
    "Items per page:": _("Por página:"),
    "pagination-limit": _("Por página"),
    Groups: _("Grupos"),
    "no groups created...": _("Todavía no hay grupos."),
    "New Group": _("Grupo nuevo"),
    "Create Group": _("Crear un grupo"),
    Create: _("Crear"),
    "group name...": _("nombre del grupo"),
    Back: _("Volver"),
    "Back to Home": _("Volver"),
    Apply: _("Guardar"),
    Delete: _("Borrar"),
    "Delete Group": _("Borrar el grupo"),
    "Delete user": _("Borrar la cuenta"),
    "Delete User": _("Borrar la cuenta"),
    "Editing user ": _("Editar la cuenta "),
    "Editing Group ": _("Editar el grupo "),
    "Manage group members": _("Quiénes pertenecen al grupo"),
    "Manage group properties": _("Propiedades del grupo"),
    "Add by username": _("Agregar por nombre de cuenta"),
    "Add user": _("Agregar"),
    "Add User": _("Agregar"),
    "Add key": _("Agregar propiedad"),
    Key: _("Nombre"),
    Value: _("Valor"),
    Admin: _("Administra la plataforma"),
    Close: _("Cerrar"),
    "usernames separated by line": _("una cuenta por línea"),
    "updated username": _("nombre nuevo de la cuenta"),
    "Duplicate keys found!": _("Hay nombres repetidos."),
    "Group already exists.": _("El grupo ya existe."),
    "User already exists.": _("La cuenta ya existe."),
    "Failed to start servers.": _("No se pudieron iniciar las sesiones."),
    "Failed to stop servers.": _("No se pudieron detener las sesiones."),
  };
  // the details of a row: names of fields in the first column, values beside them
  const fields = {
    admin: _("administra"),
    auth_state: _("datos de ingreso"),
    created: _("creada"),
    display_name: _("nombre visible"),
    full_progress_url: _("dirección completa del avance"),
    full_url: _("dirección completa"),
    groups: _("grupos"),
    kind: _("tipo"),
    last_activity: _("última actividad"),
    name: _("nombre"),
    pending: _("en curso"),
    progress_url: _("dirección del avance"),
    ready: _("en marcha"),
    roles: _("roles"),
    started: _("inicio"),
    state: _("estado"),
    stopped: _("detenida"),
    url: _("dirección"),
    user: _("cuenta"),
    user_options: _("opciones elegidas"),
    user_info: _("datos de la cuenta"),
    full_name: _("nombre completo"),
    pid: _("proceso"),
    language: _("idioma"),
    course: _("curso"),
    site: _("sede"),
    profile: _("recursos"),
    hours: _("horas"),
  };
  const values = { true: _("sí"), false: _("no"), user: _("cuenta") };
  const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
  const patterns = [
    [/^(\d+) (second|minute|hour|day|month|year)s ago$/, (_all, n, unit) => relative.format(-n, unit)],
    [/^of (\d+)$/, (_all, n) => _("de {n}", { n })],
    [/^1 users$/, () => _("1 cuenta")],
    [/^(\d+) users$/, (_all, n) => _("{n} cuentas", { n })],
    [/^Failed to start \d+ .*$/, () => _("Algunas sesiones no se pudieron iniciar. Quizá ya estaban en marcha.")],
    [/^Failed to stop \d+ .*$/, () => _("Algunas sesiones no se pudieron detener. Quizá ya estaban detenidas.")],
    [/^Failed to create .*already exists.*$/, () => _("Ya existe una cuenta o un grupo con ese nombre.")],
    [/^(Failed to|Could not) .*$/, () => _("No se pudo completar la operación. Espera unos segundos y prueba otra vez.")],
    [/^Error: .*$/, () => _("No se pudo completar la operación. Espera unos segundos y prueba otra vez.")],
  ];
  // what people wrote must not be translated, were they called "User"
  const theirs = "[data-testid^=user-name-div], .server-dashboard-row-list-item, .list-group-item > a";

  function inOurWords(text, listed = words) {
    for (const key of [text, text.trim()]) if (Object.hasOwn(listed, key)) return listed[key];
    for (const [pattern, replace] of patterns) {
      if (pattern.test(text.trim())) return text.trim().replace(pattern, replace);
    }
    return text;
  }

  /** The words that apply where a text stands. */
  function listedFor(element) {
    const cell = element?.closest(".card-group td, .card-group th");
    if (!cell) return words;
    return cell.cellIndex === 0 ? fields : values;
  }

  function put(node) {
    if (node.nodeType === Node.TEXT_NODE) {
      if (!node.data.trim() || node.parentElement?.closest(theirs)) return;
      const text = inOurWords(node.data, listedFor(node.parentElement));
      if (text !== node.data) node.data = text;
      return;
    }
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    for (const name of ["title", "placeholder", "aria-label"]) {
      const text = node.getAttribute(name);
      if (text && inOurWords(text) !== text) node.setAttribute(name, inOurWords(text));
    }
    if (node.matches("[data-testid$=collapse-button]:not([aria-label])")) {
      node.setAttribute("aria-label", _("Detalles"));
    }
    node.childNodes.forEach(put);
  }

  new MutationObserver((changes) => {
    for (const change of changes) {
      change.addedNodes.forEach(put);
      if (change.type === "attributes") put(change.target);
      if (change.type === "characterData") put(change.target);
    }
  }).observe(document.getElementById("react-admin-hook"), {
    subtree: true,
    childList: true,
    characterData: true,
    attributes: true,
    attributeFilter: ["title", "placeholder", "aria-label"],
  });
}
