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
