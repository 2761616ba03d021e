// The pending page: follows the hub's event stream, in the page's language; cancels.
"use strict";
{
  const _ = minga.translate;
  const page = document.getElementById("pending");
  const bar = document.getElementById("progress");
  const line = document.getElementById("progress-message");
  const when = document.getElementById("progress-when");
  const log = document.getElementById("log");
  const hint = document.getElementById("pending-hint");
  const cancel = document.getElementById("cancel");
  const language = document.documentElement.lang;
  let leaving = false;

  // JupyterHub's own events are English sentences
  const hubSentences = [
    [/^Server requested/, () => _("Solicitud recibida.")],
    [/^Spawning server/, () => _("Iniciando tu sesión…")],
    [/^Server ready/, () => _("Tu sesión está lista.")],
    [/^Spawn cancelled/, () => _("Cancelaste la sesión.")],
    [/^Spawn failed/, () => _("La sesión no pudo iniciarse.")],
  ];

  /** The sentence of an event: its own in our language, or ours for the hub's. */
  function sentence(event) {
    if (event.messages?.[language]) return event.messages[language];
    const known = hubSentences.find(([pattern]) => pattern.test(event.message ?? ""));
    if (known) return known[1]();
    return event.messages ? event.messages.es : "";
  }

  function show(text) {
    if (!text || text === line.textContent) return;
    line.textContent = text;
    const entry = document.createElement("li");
    const time = new Date().toLocaleTimeString(language, { timeStyle: "medium" });
    entry.textContent = `${time} · ${text}`;
    log.append(entry);
  }

  /** When the scheduler expects to start it, in the reader's time zone; often it cannot say. */
  function expect(starts) {
    const minutes = Math.max(1, Math.round((starts * 1000 - Date.now()) / 60000));
    when.hidden = !starts;
    if (!starts) return;
    const relative = new Intl.RelativeTimeFormat(language, { numeric: "always" });
    const wait = minutes < 90 ? relative.format(minutes, "minute")
      : relative.format(Math.round(minutes / 60), "hour");
    const options = minutes < 720 ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
    const clock = new Date(starts * 1000).toLocaleString(language, options);
    when.textContent = _("Inicio estimado:") + ` ${clock} (${wait})`;
  }

  function leave(address) {
    leaving = true;
    events?.close();
    if (address) location.assign(address);
    else location.reload();
  }

  let events;

  /** Follow the start's events. */
  function follow() {
    events = new EventSource(page.dataset.progressUrl);
    events.onmessage = ({ data }) => {
      if (leaving) return;
      const event = JSON.parse(data);
      if (event.progress !== undefined) bar.value = event.progress;
      show(sentence(event));
      if (event.next?.[language]) hint.textContent = event.next[language];
      if ("starts" in event) expect(event.starts);
      if (event.ready) leave();
      if (event.failed) {
        // the page that comes next says why, in this language
        events.close();
        setTimeout(leave, 1000);
      }
    };
    events.onerror = () => {
      // the browser reconnects by itself unless the hub refused: then the state has changed
      if (events.readyState === EventSource.CLOSED && !leaving) setTimeout(leave, 2000);
    };
  }

  /** A hub that was restarted sends no events of this session until it knows more: look. */
  async function look() {
    if (leaving) return;
    try {
      const reply = await fetch(location.href);
      const there = new DOMParser().parseFromString(await reply.text(), "text/html");
      const then = there.getElementById("pending");
      if (!reply.ok || then?.dataset.pending !== "check") return leave();
      bar.value = there.getElementById("progress").value;
      show(there.getElementById("progress-message").textContent);
      hint.textContent = there.getElementById("pending-hint").textContent;
      expect(Number(there.getElementById("progress-when").dataset.starts) || null);
    } catch {
      // no connection just now: look again
    }
    setTimeout(look, 2000);
  }

  expect(Number(when.dataset.starts) || null);
  if (page.dataset.pending === "check") setTimeout(look, 2000);
  else follow();

  document.getElementById("cancel-form").addEventListener("submit", async (submission) => {
    submission.preventDefault();
    cancel.disabled = true;
    leaving = true;
    events?.close();
    document.getElementById("pending-title").textContent = _("Cancelando…");
    hint.textContent = _("Se retira la solicitud de la cola.");
    bar.removeAttribute("value");
    const form = submission.target;
    try {
      const reply = await fetch(form.action, { method: "POST", body: new FormData(form) });
      if (!reply.ok) throw new Error();
      leave(`${minga.baseUrl}home`);
    } catch {
      const error = document.getElementById("cancel-error");
      error.textContent = _("No se pudo completar la operación. Espera unos segundos y prueba otra vez.");
      error.hidden = false;
      setTimeout(leave, 4000); // shows the session as it is now
    }
  });
}
