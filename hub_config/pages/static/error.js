// An error page that the proxy fetched on a person's behalf knows neither who they are nor their
// language. Ask for it again from here, with the cookies and languages of this browser.
"use strict";
(async () => {
  const code = document.querySelector("[data-status]")?.dataset.status;
  if (!code || location.pathname.startsWith(`${minga.baseUrl}error/`)) return;
  const reply = await fetch(`${minga.baseUrl}error/${code}`);
  const page = new DOMParser().parseFromString(await reply.text(), "text/html");
  const here = encodeURIComponent(location.pathname + location.search);
  for (const link of page.querySelectorAll(".languages a")) {
    link.setAttribute("href", link.getAttribute("href").replace(/next=.*/, `next=${here}`));
  }
  document.documentElement.lang = page.documentElement.lang;
  document.title = page.title;
  for (const part of [".skip", "header", "main", "footer"]) {
    document.querySelector(part).replaceWith(page.querySelector(part));
  }
})();

// A session that does not answer may have just ended, which the hub finds out now: then the same
// address says why, and how to start again.
(async () => {
  const found = location.pathname.match(/^(.*)\/user\/([^/]+)(?:\/([^/]+))?/);
  if (document.querySelector("[data-status]")?.dataset.status !== "503" || !found) return;
  const [, , user, server] = found;
  const ask = (name) => fetch(`${minga.baseUrl}minga-session/${user}${name}`);
  for (let looks = 0; looks < 15; looks += 1) {
    // The next part of the address is another session's name, or a page of the one without.
    let reply = server ? await ask(`/${server}`) : await ask("");
    if (server && reply.status === 404) reply = await ask("");
    if (!reply.ok || reply.redirected) return;
    if (!(await reply.json()).there) return location.reload();
    await new Promise((wait) => setTimeout(wait, 2000));
  }
  location.reload(); // it may be there and answer again
})();
