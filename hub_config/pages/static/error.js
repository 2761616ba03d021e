// Error pages that the proxy fetches on a person's behalf carry neither cookie nor language:
// they come in Spanish. Where this browser wants another language, ask again from here.
"use strict";
(async () => {
  const codes = [...document.querySelectorAll(".languages a")].map((link) => link.hreflang);
  const chosen = document.cookie.match(/(?:^|; )minga_language=(\w+)/)?.[1];
  const wanted = [chosen, ...navigator.languages.map((tag) => tag.split("-")[0].toLowerCase())];
  const language = wanted.find((tag) => codes.includes(tag));
  const code = document.querySelector("[data-status]")?.dataset.status;
  if (!language || language === document.documentElement.lang || !code) return;
  const reply = await fetch(`${minga.baseUrl}error/${code}`);
  const page = new DOMParser().parseFromString(await reply.text(), "text/html");
  document.documentElement.lang = page.documentElement.lang;
  document.title = page.title;
  for (const part of ["header", "main", "footer"]) {
    document.querySelector(part).replaceWith(page.querySelector(part));
  }
})();
