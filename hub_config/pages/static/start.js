// The start form: what is free follows the clusters, profiles follow the site, hours follow both.
// The server checks again.
"use strict";
{
  const _ = minga.translate;
  const form = document.getElementById("spawn_form");
  const hours = document.getElementById("hours");
  const submit = form.querySelector("button[type=submit]");
  const news = document.getElementById("news");
  const source = document.getElementById("outlook");
  const profiles = [...form.querySelectorAll("input[name=profile]")];
  const sites = [...form.querySelectorAll("input[name=site]")];
  const courses = [...form.querySelectorAll("input[name=course]")];
  const EVERY = 15000; // milliseconds between looks, while the page is seen
  let outlook = source ? JSON.parse(source.textContent) : null;

  // What the person (or, at first, the page) chose, also while that site is out of service.
  let wanted = sites.find((site) => site.checked)?.value;

  const checked = (inputs) => inputs.find((input) => input.checked && !input.disabled);
  const profileNow = () => outlook.profiles[checked(profiles)?.value];
  const titleOf = (input) => input.closest(".choice").querySelector("strong").textContent;

  /** What the page says of a profile at a site: its numbers, or what is with the site. */
  function words(profile, site) {
    return outlook.profiles[profile]?.sites[site]?.texts || outlook.sites[site]?.text || "";
  }

  /** Show what is known; what a person chose stays chosen. */
  function show() {
    for (const site of sites) {
      site.disabled = outlook.sites[site.value]?.state === "down";
      // Nothing is started elsewhere unasked: the form wants a new choice.
      site.checked = site.value === wanted && !site.disabled;
    }
    const site = checked(sites)?.value;
    for (const profile of profiles) {
      profile.disabled = Boolean(site) && !profile.dataset.sites.split(" ").includes(site);
      for (const cell of profile.closest(".choice").querySelectorAll("[data-cell]")) {
        const text = words(profile.value, cell.dataset.cell);
        cell.querySelector("[data-text]").textContent = text;
        // where the profile is not offered here, the sites that do have it are listed
        const all = profile.disabled || !site;
        const down = outlook.sites[cell.dataset.cell]?.state === "down"; // its own card says so
        cell.hidden = all ? down : cell.dataset.cell !== site || !text;
        cell.querySelector(".where").hidden = !all;
        cell.querySelector("[data-colon]").hidden = !text;
      }
    }
    if (!checked(profiles)) {
      const usable = profiles.find((profile) => !profile.disabled);
      if (usable) usable.checked = true;
    }
    const profile = checked(profiles)?.value;
    const course = checked(courses)?.value;
    for (const one of sites) {
      const card = one.closest(".choice");
      card.querySelector("[data-first]").hidden = profileNow()?.first !== one.value;
      card.querySelector("[data-state]").textContent = words(profile, one.value);
      for (const line of card.querySelectorAll("[data-hours]")) {
        const left = outlook.hours_left?.[line.dataset.hours]?.[one.value];
        line.querySelector("[data-text]").textContent = left || "";
        line.hidden = !left || line.dataset.hours !== course;
        line.querySelector(".where").hidden = true; // the course is chosen above
      }
    }
    document.getElementById("all-down").hidden = !outlook.all_down;
    submit.disabled = outlook.all_down;
    const longest = profileNow()?.sites[site]?.hours;
    if (longest && hours) {
      hours.max = longest;
      if (Number(hours.value) > longest) hours.value = longest;
    }
  }

  /** The one sentence that is read aloud: which site would start first, and who is not there. */
  function headline() {
    const first = sites.find((one) => one.value === profileNow()?.first);
    const down = sites.filter((one) => outlook.sites[one.value]?.state === "down").map(titleOf);
    return [
      first ? _("{site} empieza antes.", { site: titleOf(first) }) : "",
      down.length ? _("Fuera de servicio: {sites}.", { sites: down.join(", ") }) : "",
    ].join(" ").trim();
  }

  async function look() {
    if (document.hidden) return;
    try {
      const reply = await fetch(source.dataset.url, { headers: { Accept: "application/json" } });
      if (!reply.ok) return;
      const before = headline();
      outlook = await reply.json();
      show();
      if (headline() !== before) news.textContent = headline();
    } catch {
      // no connection just now: the next look may have one
    }
  }

  if (outlook) {
    show();
    form.addEventListener("change", (event) => {
      if (event.target.name === "site") wanted = event.target.value;
      if (["course", "site", "profile"].includes(event.target.name)) show();
    });
    setInterval(look, EVERY);
    document.addEventListener("visibilitychange", look);
    if (sites.some((one) => outlook.sites[one.value]?.state === "unknown")) setTimeout(look, 2000);
  }
}
