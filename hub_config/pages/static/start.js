// The start form: profiles follow the site, hours follow the profile. The server checks again.
"use strict";
{
  const form = document.getElementById("spawn_form");
  const hours = document.getElementById("hours");
  const profiles = [...form.querySelectorAll("input[name=profile]")];

  function followSite() {
    const site = form.elements.site?.value;
    for (const profile of profiles) {
      profile.disabled = !profile.dataset.sites.split(" ").includes(site);
    }
    const usable = profiles.filter((profile) => !profile.disabled);
    if (usable.length && !usable.some((profile) => profile.checked)) usable[0].checked = true;
    followProfile();
  }

  function followProfile() {
    const profile = profiles.find((one) => one.checked);
    if (!profile || !hours) return;
    hours.max = profile.dataset.hours;
    if (Number(hours.value) > Number(hours.max)) hours.value = hours.max;
  }

  form.addEventListener("change", (event) => {
    if (event.target.name === "site") followSite();
    if (event.target.name === "profile") followProfile();
  });
  if (profiles.length) followSite();
}
