// The home page: sessions that are stopped, removed, starting.
"use strict";
{
  const _ = minga.translate;

  /** Run an action of a button; say below it when it failed. */
  async function run(button, action) {
    const error = button.closest(".actions, form").parentElement.querySelector(".form-error");
    button.disabled = true;
    try {
      await action();
      location.reload();
    } catch (problem) {
      button.disabled = false;
      if (error) {
        error.textContent = problem.message;
        error.hidden = false;
      }
    }
  }

  for (const box of document.querySelectorAll("[data-server]")) {
    const path = minga.sessionPath(box.dataset.server);
    box.querySelector("[data-remove]")?.addEventListener("click", (event) => {
      if (confirm(_("¿Borrar la sesión «{name}»? Tus archivos no se borran.", { name: box.dataset.server }))) {
        run(event.currentTarget, () => minga.api("DELETE", path, { remove: true }));
      }
    });
  }

  for (const form of document.querySelectorAll("form[data-stop]")) {
    form.addEventListener("submit", () => {
      form.querySelector("button").firstChild.textContent = _("Deteniendo…");
    });
  }

  // what is starting or stopping will soon be something else: look, and show it when it is
  const states = (page) => [...page.querySelectorAll(".state")].map((one) => one.textContent).join();
  async function look() {
    try {
      const text = await (await fetch(location.href)).text();
      const now = new DOMParser().parseFromString(text, "text/html");
      if (states(now) !== states(document)) return location.reload();
    } catch {
      // no connection just now: look again
    }
    setTimeout(look, 2000);
  }
  if (document.querySelector(".state.busy")) setTimeout(look, 2000);
}
