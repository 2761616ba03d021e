// The page of access keys: create, copy, revoke.
"use strict";
{
  const _ = minga.translate;
  const path = `users/${encodeURIComponent(minga.user)}/tokens`;
  const form = document.getElementById("new-token");
  const failed = form.querySelector(".form-error");

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    failed.hidden = true;
    const { note, expires, scopes } = form.elements;
    const asked = scopes.value.split(/[\s,]+/).filter(Boolean);
    try {
      const reply = await minga.api("POST", path, {
        note: note.value,
        expires_in: Number(expires.value) || null,
        ...(asked.length ? { scopes: asked } : {}),
      });
      document.getElementById("token-result").textContent = (await reply.json()).token;
      document.getElementById("token-area").hidden = false;
      form.reset();
    } catch (problem) {
      failed.textContent =
        problem.status === 400
          ? _("Alguno de esos permisos no existe o no lo tienes.")
          : problem.message;
      failed.hidden = false;
    }
  });

  document.getElementById("copy").addEventListener("click", async (event) => {
    const button = event.currentTarget;
    await navigator.clipboard.writeText(document.getElementById("token-result").textContent);
    button.textContent = _("Copiada");
  });

  for (const button of document.querySelectorAll("[data-revoke]")) {
    const row = button.closest("[data-token]");
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        await minga.api("DELETE", `${path}/${row.dataset.token}`);
        row.remove();
      } catch (problem) {
        button.disabled = false;
        button.title = problem.message;
      }
    });
  }
}
