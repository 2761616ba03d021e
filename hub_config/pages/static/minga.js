// What every page needs: sentences, calls to the hub's API, light and dark, busy forms.
"use strict";

const minga = (() => {
  const messages = JSON.parse(document.getElementById("messages").textContent);
  const { baseUrl, user, xsrf } = document.body.dataset;

  /** A Spanish sentence in the page's language, its {placeholders} filled from `values`. */
  function translate(text, values = {}) {
    return (messages[text] || text).replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all);
  }

  /** Call the hub's API; the promise fails with an Error whose message can be shown. */
  async function api(method, path, body) {
    const _ = translate;
    let reply;
    try {
      reply = await fetch(`${baseUrl}api/${path}?_xsrf=${encodeURIComponent(xsrf)}`, {
        method,
        headers: { "Content-Type": "application/json" },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch {
      throw new Error(_("No hay conexión con la plataforma. Revisa tu red y prueba otra vez."));
    }
    if (reply.ok) return reply;
    const error = new Error(
      reply.status === 403
        ? _("Tu ingreso venció o tu cuenta no tiene este permiso. Recarga la página.")
        : reply.status === 404
          ? _("Ya no existe. Recarga la página.")
          : _("No se pudo completar la operación. Espera unos segundos y prueba otra vez."),
    );
    error.status = reply.status;
    throw error;
  }

  /** Where the API keeps one session: the default one has no name. */
  function sessionPath(name, owner = user) {
    const who = `users/${encodeURIComponent(owner)}`;
    return name ? `${who}/servers/${encodeURIComponent(name)}` : `${who}/server`;
  }

  return { translate, api, sessionPath, baseUrl, user };
})();

// Light and dark: the system's choice until the person makes one (same key as JupyterHub's).
document.addEventListener("click", (event) => {
  if (!event.target.closest("#theme")) return;
  const root = document.documentElement;
  const dark =
    root.dataset.bsTheme === "dark" ||
    (!root.dataset.bsTheme && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.bsTheme = dark ? "light" : "dark";
  try {
    localStorage.setItem("jupyterhub-bs-theme", root.dataset.bsTheme);
  } catch {
    // no storage: the choice lasts as long as the page
  }
});

// A form is sent once: its button shows that it was, and recovers when the person comes back.
for (const form of document.querySelectorAll("form[data-busy]")) {
  const busy = (on) => {
    form.toggleAttribute("aria-busy", on);
    for (const button of form.querySelectorAll("button[type=submit]")) {
      button.setAttribute("aria-disabled", on);
    }
  };
  form.addEventListener("submit", (event) => {
    if (form.hasAttribute("aria-busy")) event.preventDefault();
    else busy(true);
  });
  addEventListener("pageshow", () => busy(false));
}

document.getElementById("reveal")?.addEventListener("click", (event) => {
  const _ = minga.translate;
  const button = event.currentTarget;
  const input = document.getElementById("password");
  const shown = input.type === "text";
  input.type = shown ? "password" : "text";
  button.setAttribute("aria-pressed", !shown);
  button.title = shown ? _("Mostrar la contraseña") : _("Ocultar la contraseña");
  button.setAttribute("aria-label", button.title);
});
